import { SyscallError } from "../../errors.ts";
import { OPEN } from "../constants/files.ts";
import type { Kernel } from "../kernel.ts";
import { type EntryStatus, findEntry, isDirectory, listEntries } from "./entries.ts";
import { openBelow, RESOLUTION } from "./open.ts";
import { Pace } from "./pace.ts";
import { type BytePath, join } from "./paths.ts";

/** An entry that a walk has come to. The directory's descriptor is open until the walk goes on. */
export interface Visited {
  /** Below the root of the walk. */
  readonly path: BytePath;
  readonly name: BytePath;
  readonly directory: number;
  readonly status: EntryStatus;
}

/**
 * All entries below a directory, each directory before what is in it, names in order of their bytes. Every directory is
 * opened from the root without a link on the way, so that a tree that somebody changes meanwhile cannot lead elsewhere;
 * what has gone meanwhile is passed over, and so is what is in a directory that `enters` refuses.
 */
export async function* walkTree(
  kernel: Kernel,
  root: number,
  enters: (visited: Visited) => boolean = () => true,
): AsyncGenerator<Visited> {
  const pace = new Pace();
  const pending: BytePath[] = [""];
  for (let path = pending.pop(); path !== undefined; path = pending.pop()) {
    using directory = openUnlessGone(kernel, root, path);
    if (directory === undefined) continue;
    const names = listEntries(kernel, directory.number).map((entry) => entry.name);
    const below: BytePath[] = [];
    for (const name of names.sort()) {
      if (pace.isDue) await pace.turn();
      const status = findEntry(kernel, directory.number, name);
      if (status === undefined) continue;
      const visited = { path: join(path, name), name, directory: directory.number, status };
      yield visited;
      if (isDirectory(status) && enters(visited)) below.push(visited.path);
    }
    pending.push(...below.reverse());
  }
}

const GONE = new Set(["ENOENT", "ENOTDIR", "ELOOP"]);

/** Opens a directory to be read, unless it is none any more. */
export function openUnlessGone(kernel: Kernel, root: number, path: BytePath) {
  try {
    const flags = OPEN.O_RDONLY | OPEN.O_DIRECTORY;
    return openBelow(kernel, root, path, { flags, resolve: RESOLUTION.noLinks });
  } catch (error) {
    if (error instanceof SyscallError && GONE.has(error.details.errno)) return undefined;
    throw error;
  }
}

/** What a tree takes: bytes on the disk and files, each inode once. */
export interface Usage {
  readonly size: number;
  readonly inodes: number;
}

const BLOCK_BYTES = 512;

/** The usage of a directory and all below it. */
export async function usageOf(kernel: Kernel, root: number): Promise<Usage> {
  const seen = new Set<string>();
  let blocks = 0;
  let inodes = 0;
  const count = (status: EntryStatus) => {
    if (status.links > 1 && !isDirectory(status)) {
      if (seen.has(status.identity)) return;
      seen.add(status.identity);
    }
    blocks += status.blocks;
    inodes++;
  };
  const top = findEntry(kernel, root, "");
  if (top !== undefined) count(top);
  for await (const { status } of walkTree(kernel, root)) count(status);
  return { size: blocks * BLOCK_BYTES, inodes };
}
