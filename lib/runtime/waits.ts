import { type ExitStatus, waitForChild } from "../linux/executor.ts";
import type { OwnedFd } from "../linux/fd.ts";
import type { RuntimeOptions } from "./options.ts";

/**
 * How an operation waits for its program. A command has nothing else to do and blocks in the kernel; a process that
 * serves others as well gives its own, which let its event loop go on.
 */
export interface Waits {
  /** Returns when a read from the descriptor would not block: there is something, or its end. */
  readable(fd: OwnedFd): Promise<void>;
  /** The status of a child, when it has ended. Whoever gives this reaps all children of the process. */
  exited(pid: number): Promise<ExitStatus>;
  /** The status of a child that has ended; undefined while it runs. */
  reap(pid: number): ExitStatus | undefined;
}

/** Waits until reading would not block; without `waits`, reading itself does the waiting. */
export async function awaitReadable({ waits }: RuntimeOptions, fd: OwnedFd): Promise<void> {
  if (waits !== undefined) await waits.readable(fd);
}

/** wait4(2): waits for the end of a child. */
export async function awaitChild({ kernel, waits }: RuntimeOptions, pid: number): Promise<ExitStatus | undefined> {
  return waits === undefined ? waitForChild(kernel, pid, true) : await waits.exited(pid);
}

/** wait4(2), WNOHANG: takes the status of a child that has ended, so that no zombie is left. */
export function reapChild({ kernel, waits }: RuntimeOptions, pid: number): ExitStatus | undefined {
  return waits === undefined ? waitForChild(kernel, pid, false) : waits.reap(pid);
}
