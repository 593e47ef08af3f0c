import { errnoNumber } from "../constants/errno.ts";
import { FILE_TYPE, OPEN, SEEK } from "../constants/files.ts";
import { checkResult, type OwnedFd } from "../fd.ts";
import type { Kernel } from "../kernel.ts";
import {
  changeMode,
  changeOwner,
  changeTimes,
  type EntryStatus,
  findAttribute,
  findEntry,
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
 * Copies all that is in one directory into another, empty one: files with their holes, links,
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
  const seek = (file: OwnedFd, at: number, whence: number) => kernel.call("lseek", file.number, at, whence);
  let end = 0;
  for (let data = seek(source, 0, SEEK.SEEK_DATA); data >= 0; data = seek(source, end, SEEK.SEEK_DATA)) {
    end = checkResult(seek(source, data, SEEK.SEEK_HOLE), doing, "lseek");
    for (const file of [source, target]) checkResult(seek(file, data, SEEK.SEEK_SET), doing, "lseek");
    for (let left = end - data; left > 0; ) {
      if (pace.isDue) await pace.turn();
      const copied = checkResult(
        copyPart(kernel, source, target, Math.min(left, COPY_BYTES)),
        doing,
        "copy_file_range",
      );
      // Somebody has made it shorter meanwhile.
      if (copied === 0) break;
      left -= copied;
    }
  }
  const { size = 0 } = findEntry(kernel, source.number, "") ?? {};
  checkResult(kernel.call("ftruncate", target.number, size), doing, "ftruncate");
}

/** A part of a file by copy_file_range(2), or, where that does not work, through memory: its length, or an errno. */
function copyPart(kernel: Kernel, source: OwnedFd, target: OwnedFd, length: number): number {
  const copied = kernel.call("copy_file_range", source.number, 0, target.number, 0, length, 0);
  if (copied !== -errnoNumber("EXDEV") && copied !== -errnoNumber("EOPNOTSUPP") && copied !== -errnoNumber("EINVAL"))
    return copied;
  const buffer = new Uint8Array(Math.min(length, 1 << 20));
  const read = kernel.call("read", source.number, buffer, buffer.length);
  for (let done = 0; done < read; ) {
    const written = kernel.call("write", target.number, buffer.subarray(done), read - done);
    if (written < 0) return written;
    done += written;
  }
  return read;
}
