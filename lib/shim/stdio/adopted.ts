import { errnoNumber } from "../../linux/constants/errno.ts";
import { OwnedFd } from "../../linux/fd.ts";
import { isFifo, openFifoReader } from "../../linux/fifo.ts";
import type { Kernel } from "../../linux/kernel.ts";
import type { Machine } from "../machine.ts";
import { DirectInput } from "./input.ts";
import type { ProcessStdio } from "./process-stdio.ts";
import { parseTarget, type StdioPaths } from "./target.ts";

/**
 * The standard streams of a process whose shim has ended. What it holds itself goes on: FIFOs, files, the pipe to a logger.
 * What the shim has copied is lost: a terminal, and the outputs of an exec. `waiting` is the pidfd of one that waits for
 * `Start`.
 */
export function openAdopted(
  { kernel }: Machine,
  paths: StdioPaths,
  { waiting, isCopied }: { readonly waiting?: OwnedFd | undefined; readonly isCopied: boolean },
): ProcessStdio {
  using open = new DisposableStack();
  if (!(paths.terminal || isCopied)) {
    for (const path of [paths.stdout, paths.stderr]) keepReader(kernel, path, open);
  }
  const input = waiting === undefined || paths.terminal ? undefined : takeInput(kernel, paths.stdin, waiting);
  if (input !== undefined) open.use(input);
  const kept = open.move();
  return {
    // The process has them already.
    fds: [-1, -1, -1],
    prepare: () => input?.prepare(),
    attach: () => input?.attach(),
    closeInput: () => input?.closeWriter(),
    resize: () => undefined,
    close: () => {
      kept.dispose();
      return Promise.resolve();
    },
  };
}

/** An end that keeps the program from SIGPIPE when the client goes away. */
function keepReader(kernel: Kernel, path: string, open: DisposableStack): void {
  const target = parseTarget(path);
  if (target.kind === "path" && isFifo(kernel, target.path)) open.use(openFifoReader(kernel, target.path));
}

/** pidfd_getfd(2): the reader was opened for the process by its first shim, and does not block yet. */
function takeInput(kernel: Kernel, path: string, waiting: OwnedFd): DirectInput | undefined {
  const fd = kernel.call("pidfd_getfd", waiting.number, 0, 0);
  // It has ended meanwhile.
  if (fd === -errnoNumber("ESRCH")) return undefined;
  return new DirectInput(kernel, path, fd < 0 ? undefined : new OwnedFd(kernel, fd));
}
