import { errnoNumber } from "../../linux/constants/errno.ts";
import { OwnedFd } from "../../linux/fd.ts";
import { isFifo, openFifoReader } from "../../linux/fifo.ts";
import type { Kernel } from "../../linux/kernel.ts";
import type { Machine } from "../machine.ts";
import { DirectInput } from "./input.ts";
import { takePipe } from "./pipes.ts";
import type { ProcessStdio, StdioOwner } from "./process-stdio.ts";
import { isLog, parseTarget, type StdioPaths } from "./target.ts";

/** A process whose shim has ended. */
export interface OrphanedStdio {
  readonly paths: StdioPaths;
  readonly pid: number;
  /** The pipes that its shim had between, by their names. */
  readonly pipes?: readonly string[] | undefined;
}

/** The streams of a process that has ended, or whose streams cannot be had any more. */
export function openNothing(): ProcessStdio {
  return { ...IDLE, close: () => Promise.resolve() };
}

const IDLE = {
  // The process has them already.
  fds: [-1, -1, -1],
  prepare: () => undefined,
  attach: () => undefined,
  closeInput: () => undefined,
  resize: () => undefined,
} as const;

/**
 * The standard streams of a process whose shim has ended. What it holds itself goes on: FIFOs, files, the pipe to a logger;
 * pipes to the shim are taken up again. A terminal is lost. `waiting` is the pidfd of one that waits for `Start`.
 */
export async function openAdopted(
  machine: Machine,
  { paths, pid, pipes = [] }: OrphanedStdio,
  { waiting, owner }: { readonly waiting: OwnedFd | undefined; readonly owner: StdioOwner },
): Promise<ProcessStdio> {
  const { kernel } = machine;
  if (paths.terminal) return openNothing();
  using open = new DisposableStack();
  const input = waiting === undefined ? undefined : takeInput(kernel, paths.stdin, waiting);
  if (input !== undefined) open.use(input);
  const readers = pipes.map((name) => takePipe(kernel, pid, name));
  for (const reader of readers) if (reader !== undefined) open.use(reader);
  const outputs = await openOutputs(machine, { paths, readers, owner, open });
  const kept = open.move();
  return {
    ...IDLE,
    pipes,
    prepare: () => input?.prepare(),
    attach: () => input?.attach(),
    closeInput: () => input?.closeWriter(),
    settle: () => outputs?.settle?.(),
    close: async () => {
      await outputs?.close();
      kept.dispose();
    },
  };
}

interface Outputs {
  readonly paths: StdioPaths;
  readonly readers: readonly (OwnedFd | undefined)[];
  readonly owner: StdioOwner;
  readonly open: DisposableStack;
}

type Copied = Pick<ProcessStdio, "settle" | "close">;

async function openOutputs(machine: Machine, { paths, readers, owner, open }: Outputs): Promise<Copied | undefined> {
  if (isLog(paths)) return (await import("./logged.ts")).adoptLogged(machine, paths, { owner, readers });
  if (readers.length > 0) return (await import("./relayed.ts")).adoptRelayed(machine, paths, readers);
  for (const path of [paths.stdout, paths.stderr]) keepReader(machine.kernel, path, open);
  return undefined;
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
