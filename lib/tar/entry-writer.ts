import { errnoNumber } from "../linux/constants/errno.ts";
import { FILE_TYPE, OPEN } from "../linux/constants/files.ts";
import { checkResult } from "../linux/fd.ts";
import type { Kernel } from "../linux/kernel.ts";
import {
  changeMode,
  changeOwner,
  changeTimes,
  type EntryStatus,
  findAttribute,
  findEntry,
  listAttributes,
  makeDirectory,
  makeHardLink,
  makeLink,
  makeNode,
  openEntry,
  setAttribute,
  type Time,
} from "../linux/tree/entries.ts";
import type { Pace } from "../linux/tree/pace.ts";
import { type BytePath, clean, split, toText } from "../linux/tree/paths.ts";
import { invalidTar, type TarEntry } from "./tar-entry.ts";
import type { TarReader } from "./tar-reader.ts";

/** A name in a directory that is open. */
export interface Place {
  readonly directory: number;
  readonly name: BytePath;
}

interface Writing {
  readonly place: Place;
  /** The directory in which a hard link's target is. */
  readonly above?: number | undefined;
  readonly reader?: TarReader;
  readonly pace: Pace;
}

const MAX_MAJOR = 0xfff;
const MAX_MINOR = 0xfffff;
const TRUSTED = "trusted.";

/** Makes an entry where nothing is, or changes the looks of a directory. @throws {SyscallError} */
export async function writeEntry(kernel: Kernel, entry: TarEntry, writing: Writing): Promise<void> {
  const { place, reader, pace } = writing;
  const { directory, name } = place;
  switch (entry.type) {
    case "file":
      return await writeFile(kernel, entry, { place, reader, pace });
    case "hard link":
      // It has the looks of the file it is a name of.
      return linkAgain(kernel, entry, writing);
    case "link":
      makeLink(kernel, directory, name, entry.target);
      break;
    case "directory":
      makeUnlessThere(kernel, place);
      break;
    default:
      makeNode(kernel, directory, name, { ...nodeOf(entry), mode: 0 });
  }
  changeOwner(kernel, directory, name, entry.uid, entry.gid);
  setAttributes(kernel, place, entry);
  if (entry.type !== "link") changeMode(kernel, directory, name, entry.mode);
  changeTimes(kernel, directory, name, timesOf(entry));
}

function linkAgain(kernel: Kernel, { target }: TarEntry, { place, above }: Writing): void {
  if (above === undefined) throw new TypeError("internal error: a hard link without a directory");
  makeHardLink(kernel, { directory: above, name: split(clean(target))[1] }, place);
}

function makeUnlessThere(kernel: Kernel, { directory, name }: Place): void {
  if (findEntry(kernel, directory, name) === undefined) makeDirectory(kernel, directory, name, 0o700);
}

function nodeOf({ type, major, minor }: TarEntry) {
  if (type === "pipe") return { type: FILE_TYPE.S_IFIFO, major: 0, minor: 0 };
  if (major < 0 || major > MAX_MAJOR || minor < 0 || minor > MAX_MINOR) {
    throw invalidTar(`there is no device ${major}:${minor}`);
  }
  return { type: type === "char" ? FILE_TYPE.S_IFCHR : FILE_TYPE.S_IFBLK, major, minor };
}

async function writeFile(
  kernel: Kernel,
  entry: TarEntry,
  { place, reader, pace }: { readonly place: Place; readonly reader: TarReader | undefined; readonly pace: Pace },
): Promise<void> {
  const { directory, name } = place;
  const flags = OPEN.O_WRONLY + OPEN.O_CREAT + OPEN.O_EXCL;
  using file = openEntry(kernel, directory, name, flags, 0o600);
  const doing = { doing: `write ${toText(name)}` };
  let end = 0;
  for (let chunk = await reader?.read(); chunk !== undefined; chunk = await reader?.read()) {
    const { offset, bytes } = chunk;
    for (let done = 0; done < bytes.length; ) {
      const rest = bytes.subarray(done);
      const result = kernel.call("pwrite64", file.number, rest, rest.length, offset + done);
      done += checkResult(result, doing, "pwrite64");
    }
    end = offset + bytes.length;
    if (pace.isDue) await pace.turn();
  }
  // A hole at the end.
  if (end < entry.size) checkResult(kernel.call("ftruncate", file.number, entry.size), doing, "ftruncate");
  checkResult(kernel.call("fchown", file.number, entry.uid, entry.gid), doing, "fchown");
  setAttributes(kernel, place, entry);
  checkResult(kernel.call("fchmod", file.number, entry.mode), doing, "fchmod");
  changeTimes(kernel, file.number, undefined, timesOf(entry));
}

/** What the kernel lets no such entry have is left out, and so is what would speak to overlayfs. */
function setAttributes(kernel: Kernel, { directory, name }: Place, { attributes, type }: TarEntry): void {
  for (const [key, value] of attributes) {
    if (key.startsWith(TRUSTED)) continue;
    const result = setAttribute(kernel, directory, name, { key, value });
    const isImpossible = result === -errnoNumber("EPERM") && key.startsWith("user.") && type !== "file";
    if (result === -errnoNumber("EOPNOTSUPP") || isImpossible) continue;
    checkResult(result, { doing: `set ${toText(key)} of ${toText(name)}` }, "lsetxattr");
  }
}

/** Gives a directory the owner, mode and attributes of another. */
export function copyLooks(kernel: Kernel, from: Place, to: Place, status: EntryStatus): void {
  changeOwner(kernel, to.directory, to.name, status.uid, status.gid);
  changeMode(kernel, to.directory, to.name, status.mode);
  for (const key of listAttributes(kernel, from.directory, from.name)) {
    const value = key.startsWith(TRUSTED) ? undefined : findAttribute(kernel, from.directory, from.name, key);
    if (value === undefined) continue;
    const result = setAttribute(kernel, to.directory, to.name, { key, value });
    if (result === -errnoNumber("EOPNOTSUPP")) continue;
    checkResult(result, { doing: `set ${toText(key)} of ${toText(to.name)}` }, "lsetxattr");
  }
}

function timesOf({ atime, mtime }: TarEntry): { readonly atime: Time; readonly mtime: Time } {
  const used = atime === undefined || atime.seconds < mtime.seconds ? mtime : atime;
  return { atime: used, mtime };
}
