import { ContainerError } from "../../errors.ts";
import { errnoNumber } from "../constants/errno.ts";
import { OPEN } from "../constants/files.ts";
import { checkResult, type OwnedFd } from "../fd.ts";
import type { Kernel } from "../kernel.ts";
import { findEntry, listEntries, openEntry, unlinkEntry } from "./entries.ts";
import { Pace } from "./pace.ts";
import { type BytePath, toText } from "./paths.ts";

/** A directory that is being emptied: its name, who it is, and the directories in it that are still to be removed. */
interface Frame {
  readonly name: BytePath;
  readonly identity: string;
  readonly pending: BytePath[];
}

/**
 * Removes a name in a directory with all that is in it; nothing there is no fault. However deep the tree is, two
 * descriptors are open: the way up is "..", which has to be the directory that was left.
 * @throws {SyscallError} when something cannot be removed, e.g. because it is mounted
 */
export async function removeTree(kernel: Kernel, parent: number, name: BytePath): Promise<void> {
  if (removed(unlinkEntry(kernel, parent, name), name, "EISDIR")) return;
  const pace = new Pace();
  const frames: Frame[] = [];
  using current = new Cursor(kernel);
  current.enter(parent, name);
  frames.push(empty(kernel, current.number, name));
  for (;;) {
    if (pace.isDue) await pace.turn();
    const frame = frames.at(-1);
    if (frame === undefined) break;
    const child = frame.pending.pop();
    if (child !== undefined) {
      if (removed(unlinkEntry(kernel, current.number, child, true), child, "ENOTEMPTY")) continue;
      current.enter(current.number, child);
      frames.push(empty(kernel, current.number, child));
      continue;
    }
    frames.pop();
    const above = frames.at(-1);
    if (above === undefined) break;
    current.leave(above.identity);
    removed(unlinkEntry(kernel, current.number, frame.name, true), frame.name);
  }
  removed(unlinkEntry(kernel, parent, name, true), name);
}

/** The one descriptor that goes down and up. */
class Cursor implements Disposable {
  readonly #kernel: Kernel;
  #directory: OwnedFd | undefined;

  constructor(kernel: Kernel) {
    this.#kernel = kernel;
  }

  get number(): number {
    if (this.#directory === undefined) throw new TypeError("internal error: no directory is open");
    return this.#directory.number;
  }

  enter(directory: number, name: BytePath): void {
    this.#replace(openEntry(this.#kernel, directory, name, OPEN.O_RDONLY | OPEN.O_DIRECTORY));
  }

  leave(identity: string): void {
    this.#replace(openEntry(this.#kernel, this.number, "..", OPEN.O_RDONLY | OPEN.O_DIRECTORY));
    if (findEntry(this.#kernel, this.number, "")?.identity === identity) return;
    throw new ContainerError("aborted", "cannot remove a tree: somebody has moved a directory of it");
  }

  #replace(next: OwnedFd): void {
    this.#directory?.close();
    this.#directory = next;
  }

  [Symbol.dispose](): void {
    this.#directory?.close();
  }
}

/** Removes all that is no directory. */
function empty(kernel: Kernel, directory: number, name: BytePath): Frame {
  const pending: BytePath[] = [];
  for (const entry of listEntries(kernel, directory)) {
    const isGone = !entry.isDirectory && removed(unlinkEntry(kernel, directory, entry.name), entry.name, "EISDIR");
    if (!isGone) pending.push(entry.name);
  }
  return { name, identity: findEntry(kernel, directory, "")?.identity ?? "", pending };
}

/** Whether an unlinkat(2) has removed its entry, or there was none; false for one errno that tells what to do instead. */
function removed(result: number, name: BytePath, expected?: "EISDIR" | "ENOTEMPTY"): boolean {
  if (expected !== undefined && result === -errnoNumber(expected)) return false;
  if (result !== -errnoNumber("ENOENT")) checkResult(result, { doing: `remove ${toText(name)}` }, "unlinkat");
  return true;
}
