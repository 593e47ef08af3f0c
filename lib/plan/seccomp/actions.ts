import { errnoNumber, errnoSymbol } from "../../linux/constants/errno.ts";
import { SECCOMP_RET, SECCOMP_RET_DATA } from "../../linux/constants/seccomp.ts";
import type { SeccompAction } from "../../spec/seccomp.ts";

/** linux/seccomp.h: what the kernel is told for each action, without the data. */
const RETURNS: Readonly<Record<SeccompAction, number>> = {
  SCMP_ACT_KILL: SECCOMP_RET.SECCOMP_RET_KILL_THREAD,
  SCMP_ACT_KILL_THREAD: SECCOMP_RET.SECCOMP_RET_KILL_THREAD,
  SCMP_ACT_KILL_PROCESS: SECCOMP_RET.SECCOMP_RET_KILL_PROCESS,
  SCMP_ACT_TRAP: SECCOMP_RET.SECCOMP_RET_TRAP,
  SCMP_ACT_ERRNO: SECCOMP_RET.SECCOMP_RET_ERRNO,
  SCMP_ACT_TRACE: SECCOMP_RET.SECCOMP_RET_TRACE,
  SCMP_ACT_LOG: SECCOMP_RET.SECCOMP_RET_LOG,
  SCMP_ACT_ALLOW: SECCOMP_RET.SECCOMP_RET_ALLOW,
  SCMP_ACT_NOTIFY: SECCOMP_RET.SECCOMP_RET_USER_NOTIF,
};

const EPERM = errnoNumber("EPERM");

/** What a call gets that the kernel, or the profile's author, did not know. */
export const RETURN_ENOSYS = SECCOMP_RET.SECCOMP_RET_ERRNO | errnoNumber("ENOSYS");

/** libseccomp's action for an architecture that is not in the filter; runc leaves it at that. */
export const RETURN_BAD_ARCH = SECCOMP_RET.SECCOMP_RET_KILL_THREAD;

/** config-linux.md § Seccomp: the 32-bit value a filter returns for an action. */
export function returnValue(action: SeccompAction, errnoRet: number | undefined): number {
  const value = RETURNS[action];
  if (action !== "SCMP_ACT_ERRNO" && action !== "SCMP_ACT_TRACE") return value;
  return (value | ((errnoRet ?? EPERM) & SECCOMP_RET_DATA)) >>> 0;
}

/** A filter's return value in words: `SCMP_ACT_ERRNO (EPERM)`. */
export function describeReturn(value: number): string {
  const data = value & SECCOMP_RET_DATA;
  const kind = (value & ~SECCOMP_RET_DATA) >>> 0;
  const action = (Object.keys(RETURNS) as SeccompAction[]).findLast((name) => RETURNS[name] === kind);
  if (kind === SECCOMP_RET.SECCOMP_RET_ERRNO) return `${action} (${errnoSymbol(data)})`;
  return kind === SECCOMP_RET.SECCOMP_RET_TRACE ? `${action} (${data})` : String(action);
}
