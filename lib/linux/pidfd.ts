import { errnoNumber } from "./constants/errno.ts";
import { PIDFD } from "./constants/processes.ts";
import { decodeStatus, type ExitStatus } from "./executor.ts";
import { OwnedFd } from "./fd.ts";
import { findText } from "./files.ts";
import type { Kernel } from "./kernel.ts";
import { readStat } from "./procfs.ts";

/**
 * pidfd_open(2) of the process that was seen with this start time, a zombie too; undefined when it is gone.
 * The descriptor stays with that process, whatever becomes of its pid. The caller closes it.
 */
export function openProcess(kernel: Kernel, pid: number, startTime: number): OwnedFd | undefined {
  const fd = kernel.call("pidfd_open", pid, 0);
  if (fd < 0) return undefined;
  using process = new OwnedFd(kernel, fd);
  return readStat(kernel, pid)?.startTime === startTime ? process.move() : undefined;
}

/** `struct pidfd_info` in its first version: u64 mask, and at its end the i32 that wait(2) gives. */
const INFO_BYTES = 64;
const INFO_EXIT_CODE = 60;

/**
 * How a process has ended, also one that is no child of this one and that somebody else has reaped. Kernels before 6.15
 * say it only as long as nobody has. undefined while it runs, and where it cannot be known any more.
 */
export function findExit(kernel: Kernel, process: OwnedFd, pid: number): ExitStatus | undefined {
  // It may be reaped between the first question and the second.
  const code = askKernel(kernel, process) ?? askProc(kernel, process, pid) ?? askKernel(kernel, process);
  return code === undefined ? undefined : decodeStatus(code);
}

/** ioctl_pidfd(2), PIDFD_GET_INFO: tells of a process that was reaped after the descriptor was opened. */
function askKernel(kernel: Kernel, process: OwnedFd): number | undefined {
  const info = new DataView(new ArrayBuffer(INFO_BYTES));
  info.setBigUint64(0, BigInt(PIDFD.PIDFD_INFO_EXIT), true);
  const result = kernel.call("ioctl", process.number, PIDFD.PIDFD_GET_INFO, new Uint8Array(info.buffer));
  const told = Number(info.getBigUint64(0, true)) & PIDFD.PIDFD_INFO_EXIT;
  return result < 0 || told === 0 ? undefined : info.getInt32(INFO_EXIT_CODE, true);
}

/** proc_pid_stat(5): the last field of a zombie's is its status. */
const EXIT_CODE_FIELD = 52;
const FIRST_FIELD_AFTER_NAME = 3;

function askProc(kernel: Kernel, process: OwnedFd, pid: number): number | undefined {
  const text = findText(kernel, `/proc/${pid}/stat`, "ENOENT", "ESRCH") ?? "";
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  if (fields[0] !== "Z") return undefined;
  const code = Number(fields[EXIT_CODE_FIELD - FIRST_FIELD_AFTER_NAME]);
  // As long as it has not been reaped the pid is its own.
  const isOurs = kernel.call("pidfd_send_signal", process.number, 0, 0, 0) !== -errnoNumber("ESRCH");
  return isOurs && Number.isInteger(code) ? code : undefined;
}
