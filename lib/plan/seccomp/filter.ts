import { SECCOMP_FILTER_FLAG } from "../../linux/constants/seccomp.ts";
import { SYSCALL_TABLE_KERNEL } from "../../linux/constants/seccomp-syscalls.ts";
import type { Architecture } from "../../linux/constants/syscalls.ts";
import type { Seccomp, SeccompAction, SeccompArch, SeccompFlag } from "../../spec/seccomp.ts";
import { RETURN_ENOSYS, returnValue } from "./actions.ts";
import { readCalls } from "./calls.ts";
import { generateProgram } from "./generate.ts";
import { instructionCount } from "./program.ts";
import type { Defaults } from "./ranges.ts";

import { targetsOf } from "./targets.ts";

/** Changes whenever the same profile would compile to another program. */
export const FILTER_GENERATOR = `1 ${SYSCALL_TABLE_KERNEL}`;

/** A compiled profile. */
export interface Filter {
  /** An array of `struct sock_filter`, little-endian. */
  readonly program: Uint8Array;
  /** Of `program`, at most BPF_MAXINSNS. */
  readonly instructions: number;
  /** SECCOMP_FILTER_FLAG_*, for seccomp(2). */
  readonly flags: number;
  /** Those the filter knows; every other is killed. */
  readonly architectures: readonly SeccompArch[];
}

/**
 * config-linux.md § Seccomp: the filter that runc makes of a profile with libseccomp, in fewer instructions.
 * @throws {ContainerError} invalid_argument for rules that conflict, resource_exhausted for too many of them
 */
export function compileFilter(
  seccomp: Seccomp,
  architecture: Architecture,
  exact: ReadonlyMap<string, bigint>,
): Filter {
  const targets = targetsOf(seccomp, architecture);
  const program = generateProgram(readCalls(seccomp, targets, exact), defaultsOf(seccomp));
  return {
    program,
    instructions: instructionCount(program),
    flags: filterFlags(seccomp),
    architectures: targets.map(({ arch }) => arch),
  };
}

/** All that `compileFilter().program` depends on, as text to be hashed; the flags are not part of it. */
export function filterCacheKey(
  seccomp: Seccomp,
  architecture: Architecture,
  exact: ReadonlyMap<string, bigint>,
): string {
  const { defaultAction, defaultErrnoRet, architectures, syscalls } = seccomp;
  const profile = JSON.stringify([defaultAction, defaultErrnoRet, architectures, syscalls]);
  const rounded = [...exact].filter(([pointer]) => pointer.startsWith("/linux/seccomp/")).join(" ");
  return `${FILTER_GENERATOR}\n${architecture}\n${profile}\n${rounded}`;
}

/**
 * runc: unless the default lets calls through or says ENOSYS itself, numbers above all that the profile names get
 * ENOSYS, which a libc falls back on; a tracer is thought to know new calls.
 */
export function defaultsOf({ defaultAction, defaultErrnoRet }: Seccomp): Defaults {
  const value = returnValue(defaultAction, defaultErrnoRet);
  return { value, stub: !PERMISSIVE.includes(defaultAction) && value !== RETURN_ENOSYS };
}

const PERMISSIVE: readonly SeccompAction[] = ["SCMP_ACT_ALLOW", "SCMP_ACT_LOG", "SCMP_ACT_TRACE"];

/** The flags of seccomp(2). Absent is not empty: runc then sets SPEC_ALLOW. */
export function filterFlags(seccomp: Seccomp): number {
  const listener = hasListener(seccomp);
  let bits = listener ? SECCOMP_FILTER_FLAG.SECCOMP_FILTER_FLAG_NEW_LISTENER : 0;
  for (const flag of seccomp.flags ?? DEFAULT_FLAGS) {
    // The process has one thread when it takes the filter, and TSYNC does not go with NEW_LISTENER.
    if (flag === "SECCOMP_FILTER_FLAG_TSYNC") continue;
    // The kernel refuses it where nobody listens.
    if (flag === "SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV" && !listener) continue;
    bits |= SECCOMP_FILTER_FLAG[flag];
  }
  return bits;
}

const DEFAULT_FLAGS: readonly SeccompFlag[] = ["SECCOMP_FILTER_FLAG_SPEC_ALLOW"];

/** Whether a listener is to be told of calls; as with runc, because of any entry, even one whose names nobody knows. */
export function hasListener({ syscalls = [] }: Seccomp): boolean {
  return syscalls.some(({ action }) => action === "SCMP_ACT_NOTIFY");
}
