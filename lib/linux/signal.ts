import { ContainerError } from "../errors.ts";
import { errnoNumber, errnoText } from "./constants/errno.ts";
import { OwnedFd } from "./fd.ts";
import type { Kernel } from "./kernel.ts";
import { isRunning } from "./procfs.ts";

/** kill(2): false when there is no such process. @throws {ContainerError} when it may not be signalled */
export function sendSignal(kernel: Kernel, pid: number, signal: number): boolean {
  return judge(kernel.call("kill", pid, signal), pid, signal);
}

/**
 * pidfd_send_signal(2) to the process that was seen with this start time, and to no other that has its pid now.
 * False when that process has ended. @throws {ContainerError} when it may not be signalled
 */
export function signalProcess(kernel: Kernel, pid: number, startTime: number, signal: number): boolean {
  const fd = kernel.call("pidfd_open", pid, 0);
  if (fd < 0) return judge(fd, pid, signal);
  using process = new OwnedFd(kernel, fd);
  // Checked after the descriptor was opened: whatever happens to the pid from here, the descriptor stays with its process.
  if (!isRunning(kernel, pid, startTime)) return false;
  return judge(kernel.call("pidfd_send_signal", process.number, signal, 0, 0), pid, signal);
}

function judge(result: number, pid: number, signal: number): boolean {
  if (result >= 0) return true;
  if (result === -errnoNumber("ESRCH")) return false;
  const code = result === -errnoNumber("EPERM") ? "permission_denied" : "invalid_argument";
  throw new ContainerError(code, `cannot send signal ${signal} to process ${pid}: ${errnoText(-result)}`);
}
