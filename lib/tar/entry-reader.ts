import { FILE_TYPE, OPEN } from "../linux/constants/files.ts";
import { checkResult, type OwnedFd } from "../linux/fd.ts";
import type { Kernel } from "../linux/kernel.ts";
import {
  type EntryStatus,
  findAttribute,
  findEntry,
  listAttributes,
  openEntry,
  readLink,
} from "../linux/tree/entries.ts";
import type { Pace } from "../linux/tree/pace.ts";
import type { BytePath } from "../linux/tree/paths.ts";
import type { Place } from "./entry-writer.ts";
import type { TarEntry, TarType } from "./tar-entry.ts";
import { paddingOf } from "./tar-writer.ts";

const CHUNK_BYTES = 262_144;
const TYPES: ReadonlyMap<number, TarType> = new Map([
  [FILE_TYPE.S_IFREG, "file"],
  [FILE_TYPE.S_IFDIR, "directory"],
  [FILE_TYPE.S_IFLNK, "link"],
  [FILE_TYPE.S_IFCHR, "char"],
  [FILE_TYPE.S_IFBLK, "block"],
  [FILE_TYPE.S_IFIFO, "pipe"],
]);

/** An entry of a tree as an archive has it, by another path; undefined for what no archive has: a socket. */
export function describeEntry(
  kernel: Kernel,
  { directory, name }: Place,
  { path, status }: { readonly path: BytePath; readonly status: EntryStatus },
): TarEntry | undefined {
  const type = TYPES.get(status.type);
  if (type === undefined) return undefined;
  return {
    ...{ type, name: type === "directory" ? `${path}/` : path, size: type === "file" ? status.size : 0 },
    target: type === "link" ? readLink(kernel, directory, name) : "",
    ...{ mode: status.mode, uid: status.uid, gid: status.gid, major: status.major, minor: status.minor },
    ...{ mtime: status.mtime, atime: undefined, attributes: new Map() },
  };
}

/** The attributes of an entry of which `isWanted` says so. */
export function attributesOf(
  kernel: Kernel,
  { directory, name }: Place,
  isWanted: (key: string) => boolean,
): ReadonlyMap<string, Uint8Array> {
  const kept = new Map<string, Uint8Array>();
  for (const key of listAttributes(kernel, directory, name)) {
    const value = isWanted(key) ? findAttribute(kernel, directory, name, key) : undefined;
    if (value !== undefined) kept.set(key, value);
  }
  return kept;
}

/** The bytes of an open file as an archive has them, padded. `onChanged` is told, and may throw, when they are not `size`. */
export async function* fileContent(
  kernel: Kernel,
  file: OwnedFd,
  { size, pace, onChanged }: { readonly size: number; readonly pace: Pace; readonly onChanged: () => void },
): AsyncGenerator<Uint8Array> {
  const doing = { doing: "read a file" };
  for (let left = size; left > 0; ) {
    if (pace.isDue) await pace.turn();
    const buffer = new Uint8Array(Math.min(left, CHUNK_BYTES));
    const bytes = checkResult(kernel.call("read", file.number, buffer, buffer.length), doing, "read");
    if (bytes === 0) onChanged();
    // A file that has become shorter ends in zeros: the header has promised so many bytes.
    const chunk = bytes === 0 ? buffer : buffer.subarray(0, bytes);
    yield chunk;
    left -= chunk.length;
  }
  if (findEntry(kernel, file.number, "")?.size !== size) onChanged();
  yield paddingOf(size);
}

/** Opens a file to be read. @throws {SyscallError} */
export function openFileEntry(kernel: Kernel, { directory, name }: Place): OwnedFd {
  return openEntry(kernel, directory, name, OPEN.O_RDONLY + OPEN.O_NONBLOCK);
}
