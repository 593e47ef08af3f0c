import { errnoNumber } from "../constants/errno.ts";
import { FILE_TYPE, OPEN } from "../constants/files.ts";
import { checkResult, type OwnedFd } from "../fd.ts";
import type { Kernel } from "../kernel.ts";
import {
  changeMode,
  changeOwner,
  changeTimes,
  type EntryStatus,
  findAttribute,
  isDirectory,
  listAttributes,
  makeDirectory,
  makeHardLink,
  makeLink,
  makeNode,
  openEntry,
  readLink,
  setAttribute,
} from "./entries.ts";
import { openBelow, RESOLUTION } from "./open.ts";
import { Pace } from "./pace.ts";
import { type BytePath, split, toText } from "./paths.ts";
import { walkTree } from "./walk.ts";

/** How much of a file is copied by one call. */
const COPY_BYTES = 8 << 20;
const NO_LINKS = { flags: OPEN.O_PATH | OPEN.O_DIRECTORY, resolve: RESOLUTION.noLinks };

interface Place {
  readonly directory: number;
  readonly name: BytePath;
}

/**
 * Copies all that is in one directory into another, empty one: files with their holes as the filesystem keeps them, links,
 * devices, owners, modes, times and extended attributes; hard links within the tree stay ones.
 */
export async function copyTree(kernel: Kernel, from: number, to: number): Promise<void> {
  const firstNames = new Map<string, BytePath>();
  const directories: { readonly path: BytePath; readonly status: EntryStatus }[] = [];
  const pace = new Pace();
  for await (const { path, name, directory, status } of walkTree(kernel, from)) {
    const [above] = split(path);
    using target = openBelow(kernel, to, above, NO_LINKS);
    const place = { directory: target.number, name };
    const first = status.links > 1 ? firstNames.get(status.identity) : undefined;
    if (first !== undefined) {
      linkAgain(kernel, to, first, place);
      continue;
    }
    await copyEntry(kernel, { directory, name }, place, { status, pace });
    if (isDirectory(status)) directories.push({ path, status });
    else if (status.links > 1) firstNames.set(status.identity, path);
  }
  // Making what is in a directory has changed its times.
  for (const { path, status } of directories.reverse()) {
    using directory = openBelow(kernel, to, path, { flags: OPEN.O_RDONLY, resolve: RESOLUTION.noLinks });
    changeTimes(kernel, directory.number, undefined, { atime: status.mtime, mtime: status.mtime });
  }
}

function linkAgain(kernel: Kernel, root: number, first: BytePath, to: Place): void {
  const [above, name] = split(first);
  using directory = openBelow(kernel, root, above, NO_LINKS);
  makeHardLink(kernel, { directory: directory.number, name }, to);
}

async function copyEntry(
  kernel: Kernel,
  from: Place,
  to: Place,
  { status, pace }: { readonly status: EntryStatus; readonly pace: Pace },
): Promise<void> {
  const { directory, name } = to;
  if (isDirectory(status)) makeDirectory(kernel, directory, name, 0o700);
  else if (status.type === FILE_TYPE.S_IFLNK)
    makeLink(kernel, directory, name, readLink(kernel, from.directory, from.name));
  else if (status.type === FILE_TYPE.S_IFREG) await copyFile(kernel, from, to, pace);
  else makeNode(kernel, directory, name, status);
  copyMetadata(kernel, from, to, status);
}

/** Owner, attributes, mode and times, in the order in which they do not undo each other. */
export function copyMetadata(kernel: Kernel, from: Place, to: Place, status: EntryStatus): void {
  const { directory, name } = to;
  changeOwner(kernel, directory, name, status.uid, status.gid);
  if (status.type !== FILE_TYPE.S_IFLNK) changeMode(kernel, directory, name, status.mode);
  for (const key of listAttributes(kernel, from.directory, from.name)) {
    const value = findAttribute(kernel, from.directory, from.name, key);
    if (value === undefined) continue;
    const result = setAttribute(kernel, directory, name, { key, value });
    if (result !== -errnoNumber("EOPNOTSUPP"))
      checkResult(result, { doing: `set ${key} of ${toText(name)}` }, "lsetxattr");
  }
  changeTimes(kernel, directory, name, { atime: status.mtime, mtime: status.mtime });
}

async function copyFile(kernel: Kernel, from: Place, to: Place, pace: Pace): Promise<void> {
  using source = openEntry(kernel, from.directory, from.name, OPEN.O_RDONLY | OPEN.O_NONBLOCK);
  const flags = OPEN.O_WRONLY | OPEN.O_CREAT | OPEN.O_EXCL;
  using target = openEntry(kernel, to.directory, to.name, flags, 0o600);
  const doing = { doing: `copy ${toText(from.name)}` };
  for (;;) {
    if (pace.isDue) await pace.turn();
    const copied = copyPart(kernel, source, target);
    if (checkResult(copied, doing, "copy_file_range") === 0) return;
  }
}

/** A part of a file by copy_file_range(2), or, where that does not work, through memory: its length, or an errno. */
function copyPart(kernel: Kernel, source: OwnedFd, target: OwnedFd): number {
  const copied = kernel.call("copy_file_range", source.number, 0, target.number, 0, COPY_BYTES, 0);
  if (copied !== -errnoNumber("EXDEV") && copied !== -errnoNumber("EOPNOTSUPP") && copied !== -errnoNumber("EINVAL"))
    return copied;
  const buffer = new Uint8Array(1 << 20);
  const read = kernel.call("read", source.number, buffer, buffer.length);
  for (let done = 0; done < read; ) {
    const written = kernel.call("write", target.number, buffer.subarray(done), read - done);
    if (written < 0) return written;
    done += written;
  }
  return read;
}
