import { FILE_TYPE, OPEN } from "../linux/constants/files.ts";
import { openKernel } from "../linux/kernel.ts";
import {
  type EntryStatus,
  findAttribute,
  findEntry,
  listAttributes,
  listEntries,
  openEntry,
  readLink,
} from "../linux/tree/entries.ts";
import { openRoot } from "../linux/tree/open.ts";
import { join, toText } from "../linux/tree/paths.ts";

const TYPES: ReadonlyMap<number, string> = new Map([
  [FILE_TYPE.S_IFIFO, "pipe"],
  [FILE_TYPE.S_IFCHR, "char"],
  [FILE_TYPE.S_IFDIR, "directory"],
  [FILE_TYPE.S_IFBLK, "block"],
  [FILE_TYPE.S_IFREG, "file"],
  [FILE_TYPE.S_IFLNK, "link"],
  [FILE_TYPE.S_IFSOCK, "socket"],
]);

/**
 * For tests: a line for each entry of a tree, in order, with all that makes it what it is: type, mode, owner, size, device,
 * time, number of names, target, attributes and the digest of its bytes.
 */
export function listTree(path: string, without: { readonly times?: boolean } = {}): readonly string[] {
  const kernel = openKernel();
  const lines: string[] = [];
  using root = openRoot(kernel, path);
  const visit = (directory: number, at: string) => {
    const names = listEntries(kernel, directory).map((entry) => entry.name);
    for (const name of names.sort()) {
      const status = findEntry(kernel, directory, name);
      if (status === undefined) throw new Error(`${at}/${name} is gone`);
      lines.push(describeEntry(join(at, name), status, without.times === true, directory, name));
      if (TYPES.get(status.type) !== "directory") continue;
      using child = openEntry(kernel, directory, name, OPEN.O_DIRECTORY);
      visit(child.number, join(at, name));
    }
  };
  const describeEntry = (
    at: string,
    status: EntryStatus,
    noTimes: boolean,
    directory: number,
    name: string,
  ): string => {
    const type = TYPES.get(status.type) ?? "unknown";
    const attributes = listAttributes(kernel, directory, name)
      .map((key) => `${key}=${Buffer.from(findAttribute(kernel, directory, name, key) ?? []).toString("hex")}`)
      .sort();
    const isFile = type === "file";
    const content = isFile ? Bun.hash(readBytes(directory, name)).toString(16) : "";
    return [
      ...[toText(at), type, status.mode.toString(8), `${status.uid}:${status.gid}`, isFile ? status.size : ""],
      ...[type === "char" || type === "block" ? `${status.major}:${status.minor}` : ""],
      ...[noTimes ? "" : `${status.mtime.seconds}.${status.mtime.nanoseconds}`],
      ...[type === "directory" ? "" : status.links, type === "link" ? toText(readLink(kernel, directory, name)) : ""],
      ...[content, ...attributes],
    ].join(" ");
  };
  const readBytes = (directory: number, name: string): Uint8Array => {
    using file = openEntry(kernel, directory, name, OPEN.O_RDONLY);
    const parts: Uint8Array[] = [];
    for (;;) {
      const buffer = new Uint8Array(1_048_576);
      const bytes = kernel.call("read", file.number, buffer, buffer.length);
      if (bytes <= 0) return Buffer.concat(parts);
      parts.push(buffer.subarray(0, bytes));
    }
  };
  using top = openEntry(kernel, root.number, ".", OPEN.O_DIRECTORY);
  visit(top.number, "");
  return lines;
}
