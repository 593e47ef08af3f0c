import { AT_FDCWD, OPEN } from "../linux/constants/files.ts";
import type { OwnedFd } from "../linux/fd.ts";
import {
  createText,
  exists,
  isErrno,
  listDirectory,
  makeDirectories,
  openFile,
  removeEmptyDirectory,
  removeFile,
} from "../linux/files.ts";
import type { Kernel } from "../linux/kernel.ts";
import { isStillAt, tryLock } from "../linux/lock.ts";

/** Beside the directories of FIFOs: a file for each that no task has yet, locked by whoever is making the task. */
const CLAIMS = ".claims";
const OWNER_ONLY = 0o700;

/**
 * A directory for the FIFOs of one process. Until a task is there that knows it, it goes with its client: the next one finds
 * that nobody holds the lock, and removes it.
 */
export class FifoPlace implements Disposable {
  readonly #kernel: Kernel;
  readonly #claim: OwnedFd;
  readonly #claimPath: string;
  #isSettled = false;
  readonly directory: string;

  /** Names a new directory below `root`, and removes those of clients that were killed. @throws {SyscallError} */
  constructor(kernel: Kernel, root: string) {
    const claims = `${root}/${CLAIMS}`;
    makeDirectories(kernel, claims, OWNER_ONLY);
    for (const { name } of listDirectory(kernel, claims)) sweep(kernel, root, name);
    this.#kernel = kernel;
    for (;;) {
      const id = crypto.randomUUID();
      const path = `${claims}/${id}`;
      createText(kernel, path, "", OWNER_ONLY);
      using claim = tryOpen(kernel, path);
      // Somebody who sweeps may have come before the lock.
      if (claim !== undefined && tryClaim(kernel, claim, path)) {
        this.#claim = claim.move();
        this.#claimPath = path;
        this.directory = `${root}/${id}`;
        return;
      }
    }
  }

  /** A task has the FIFOs: whoever removes it removes them. */
  settle(): void {
    removeFile(this.#kernel, this.#claimPath);
    this.#isSettled = true;
  }

  /** What is left of the directory is for the next one to remove. */
  [Symbol.dispose](): void {
    if (!this.#isSettled && !exists(this.#kernel, this.directory)) this.settle();
    this.#claim.close();
  }
}

/** Whether the lock is ours, and the file still has its name. */
function tryClaim(kernel: Kernel, claim: OwnedFd, path: string): boolean {
  return tryLock(kernel, claim) && isStillAt(kernel, claim, path);
}

function sweep(kernel: Kernel, root: string, name: string): void {
  const path = `${root}/${CLAIMS}/${name}`;
  using claim = tryOpen(kernel, path);
  if (claim === undefined || !tryClaim(kernel, claim, path)) return;
  const directory = `${root}/${name}`;
  for (const fifo of listDirectory(kernel, directory))
    kernel.call("unlinkat", AT_FDCWD, `${directory}/${fifo.name}`, 0);
  removeEmptyDirectory(kernel, directory);
  removeFile(kernel, path);
}

function tryOpen(kernel: Kernel, path: string): OwnedFd | undefined {
  try {
    return openFile(kernel, path, OPEN.O_WRONLY);
  } catch (error) {
    if (isErrno(error, "ENOENT")) return undefined;
    throw error;
  }
}
