import type { OwnedFd } from "../linux/fd.ts";
import { isFifo, makeFifo, openFifoReader, openFifoWriter } from "../linux/fifo.ts";
import { makeDirectories, removeEmptyDirectory, removeFile } from "../linux/files.ts";
import type { Kernel } from "../linux/kernel.ts";
import { tryLock } from "../linux/lock.ts";

/** Where a process finds its standard streams; "" is /dev/null. */
export interface StdioPaths {
  readonly stdin: string;
  readonly stdout: string;
  readonly stderr: string;
}

const STREAMS = ["stdin", "stdout", "stderr"] as const;
const OWNER_ONLY = 0o600;

/** Makes the FIFOs of a process in a directory of their own. @throws {SyscallError} */
export function makeFifos(
  kernel: Kernel,
  directory: string,
  { hasInput, terminal }: { readonly hasInput: boolean; readonly terminal: boolean },
): StdioPaths {
  makeDirectories(kernel, directory, 0o700);
  const make = (name: string, isWanted: boolean): string => {
    const path = `${directory}/${name}`;
    if (!isWanted) return "";
    makeFifo(kernel, path, OWNER_ONLY);
    return path;
  };
  // What a terminal shows is one stream.
  return { stdin: make("stdin", hasInput), stdout: make("stdout", true), stderr: make("stderr", !terminal) };
}

/** The label of a container that has standard input in the background: its FIFO, for whoever attaches. */
export const INPUT_LABEL = "tsrun.dev/stdin";

/** Makes the FIFO that {@link INPUT_LABEL} names, unless it is there. @throws {SyscallError} */
export function makeInput(kernel: Kernel, path: string): void {
  makeDirectories(kernel, path.slice(0, path.lastIndexOf("/")), 0o700);
  if (!isFifo(kernel, path)) makeFifo(kernel, path, OWNER_ONLY);
}

/** Removes what makeFifos() has made; of paths that are something else nothing is touched. */
export function removeFifos(kernel: Kernel, paths: StdioPaths, root: string): void {
  for (const name of STREAMS) {
    const path = paths[name];
    if (!path.startsWith(`${root}/`)) continue;
    removeFile(kernel, path);
    removeEmptyDirectory(kernel, path.slice(0, path.lastIndexOf("/")));
  }
}

/** A client's ends of a process's FIFOs. */
export class FifoEnds implements Disposable {
  readonly input: OwnedFd | undefined;
  readonly outputs: readonly (readonly [target: 1 | 2, fd: OwnedFd])[];
  /** No other client of this kind reads the outputs: each would get a part of them. */
  readonly isAlone: boolean;
  /** The other ends: a FIFO that nobody else has open would be at its end, or refuse to be opened. */
  readonly #keepers: readonly OwnedFd[];

  /** @throws {SyscallError} */
  constructor(kernel: Kernel, paths: StdioPaths) {
    const outputs: (readonly [1 | 2, OwnedFd])[] = [];
    const keepers: OwnedFd[] = [];
    for (const [target, path] of [
      [1, paths.stdout],
      [2, paths.stderr],
    ] as const) {
      if (path === "") continue;
      outputs.push([target, openFifoReader(kernel, path)]);
      keepers.push(openFifoWriter(kernel, path));
    }
    if (paths.stdin !== "") {
      keepers.push(openFifoReader(kernel, paths.stdin));
      this.input = openFifoWriter(kernel, paths.stdin);
    }
    this.outputs = outputs;
    this.isAlone = outputs.every(([, fd]) => tryLock(kernel, fd));
    this.#keepers = keepers;
  }

  /** The other side has them open: from here its end is the end. */
  release(): void {
    for (const keeper of this.#keepers) keeper.close();
  }

  [Symbol.dispose](): void {
    this.release();
    this.input?.close();
    for (const [, fd] of this.outputs) fd.close();
  }
}
