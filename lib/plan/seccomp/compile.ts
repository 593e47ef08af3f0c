import {
  SECCOMP,
  SECCOMP_FILTER_FLAG,
  SOCK_FILTER_BYTES,
  SOCK_FPROG_BYTES,
  SOCK_FPROG_FILTER,
} from "../../linux/constants/seccomp.ts";
import type { Seccomp } from "../../spec/seccomp.ts";
import { flags, type Purpose, type Step, type Struct } from "../step.ts";
import { hasListener } from "./filter.ts";

/** The register with the descriptor that tells of calls with SCMP_ACT_NOTIFY. */
export const SECCOMP_LISTENER = "seccompListener";

/** What the steps need of a filter; one from a cache will do. */
export interface LoadableFilter {
  readonly program: Uint8Array;
  readonly flags: number;
}

/**
 * config-linux.md § Seccomp: puts the filter in force. Every later step has to pass it. Without no_new_privs this
 * takes CAP_SYS_ADMIN.
 */
export function compileSeccomp(seccomp: Seccomp, filter: LoadableFilter): readonly Step[] {
  const purpose: Purpose = { doing: "load the seccomp filter", from: "/linux/seccomp" };
  const operation = flags(SECCOMP.SECCOMP_SET_MODE_FILTER, SECCOMP);
  const load: Step = {
    call: "seccomp",
    args: [operation, flags(filter.flags, SECCOMP_FILTER_FLAG), filterProgram(filter.program)],
    purpose,
  };
  return [hasListener(seccomp) ? { ...load, into: SECCOMP_LISTENER } : load];
}

/** `struct sock_fprog`: u16 len, pointer to the instructions at offset 8. */
function filterProgram(program: Uint8Array): Struct {
  const count = program.length / SOCK_FILTER_BYTES;
  const describe = (): string => `{${count} instructions}`;
  const bytes = new Uint8Array(SOCK_FPROG_BYTES);
  new DataView(bytes.buffer).setUint16(0, count, true);
  const instructions: Struct = { kind: "struct", bytes: program, describe };
  return { kind: "struct", bytes, pointers: [{ at: SOCK_FPROG_FILTER, to: instructions }], describe };
}
