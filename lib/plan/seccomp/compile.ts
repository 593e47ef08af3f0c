import {
  SECCOMP,
  SECCOMP_FILTER_FLAG,
  SOCK_FILTER_BYTES,
  SOCK_FPROG_BYTES,
  SOCK_FPROG_FILTER,
} from "../../linux/constants/seccomp.ts";
import type { Seccomp } from "../../spec/seccomp.ts";
import { MESSAGE_LISTENER, message } from "../messages.ts";
import { sendDescriptor } from "../send-descriptor.ts";
import { CONTROL, close, flags, type Purpose, type Step, type Struct } from "../step.ts";
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
 * takes CAP_SYS_ADMIN. Where somebody listens, the very next call hands the descriptor to the runtime, which knows the way
 * to the listener: until it is there, a call that the filter tells of would wait for an answer that nobody can give.
 */
export function compileSeccomp(seccomp: Seccomp, filter: LoadableFilter): readonly Step[] {
  const purpose: Purpose = { doing: "load the seccomp filter", from: "/linux/seccomp" };
  const operation = flags(SECCOMP.SECCOMP_SET_MODE_FILTER, SECCOMP);
  const load: Step = {
    call: "seccomp",
    args: [operation, flags(filter.flags, SECCOMP_FILTER_FLAG), filterProgram(filter.program)],
    purpose,
  };
  if (!hasListener(seccomp)) return [load];
  const hand: Purpose = { doing: "hand over the seccomp listener", from: "/linux/seccomp/listenerPath" };
  const payload = message(MESSAGE_LISTENER, "MESSAGE_LISTENER");
  return [
    { ...load, into: SECCOMP_LISTENER },
    ...sendDescriptor({ socket: CONTROL, descriptor: SECCOMP_LISTENER, payload }, hand),
    close(SECCOMP_LISTENER, hand),
  ];
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
