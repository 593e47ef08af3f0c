/**
 * Files by system calls. node:fs takes 1.5 ms to load, which is more than all the work of a command such as `state`;
 * and what stands here gets its errno from the same place as everything else.
 */

import { SyscallError } from "../errors.ts";
import { type Errno, errnoNumber } from "./constants/errno.ts";
import { AT, AT_FDCWD, FILE_TYPE, OPEN } from "./constants/files.ts";
import { checkedCall, type Doing, OwnedFd, openCall } from "./fd.ts";
import type { Kernel } from "./kernel.ts";

/** A file larger than this is not read: everything we read is text that people or the kernel wrote. */
const MAX_FILE_BYTES = 16 << 20;
const CHUNK_BYTES = 16 << 10;
const PATH_MAX = 4096;

/** Whether an error is the refusal of a system call with one of these errnos. */
export function isErrno(error: unknown, ...symbols: readonly Errno[]): boolean {
  return error instanceof SyscallError && symbols.some((symbol) => symbol === error.details.errno);
}

/** openat(2) of a directory, to be locked or looked at. @throws {SyscallError} */
export function openDirectory(kernel: Kernel, path: string): OwnedFd {
  return openFile(kernel, path, OPEN.O_RDONLY | OPEN.O_DIRECTORY);
}

/** openat(2). @throws {SyscallError} `cannot <doing>: …` */
export function openFile(kernel: Kernel, path: string, flags: number, doing?: string, mode = 0o600): OwnedFd {
  const what: Doing = { doing: doing ?? `open ${path}`, path };
  return openCall(kernel, what, "openat", AT_FDCWD, path, flags | OPEN.O_CLOEXEC, mode);
}

/** The whole text of a file. @throws {SyscallError} */
export function readText(kernel: Kernel, path: string): string {
  using file = openFile(kernel, path, OPEN.O_RDONLY, `read ${path}`);
  return new TextDecoder().decode(readAll(kernel, file, path));
}

/** All bytes of a file; undefined when it is not there. @throws {SyscallError} */
export function findBytes(kernel: Kernel, path: string): Uint8Array | undefined {
  const fd = kernel.call("openat", AT_FDCWD, path, OPEN.O_CLOEXEC, 0);
  if (fd < 0) return undefined;
  using file = new OwnedFd(kernel, fd);
  return readAll(kernel, file, path);
}

/**
 * The whole text of a file; undefined when opening or reading it ends in one of these errnos.
 * @throws {SyscallError} for others
 */
export function findText(kernel: Kernel, path: string, ...absent: readonly Errno[]): string | undefined {
  // No exception on the way of what is expected: the first one in a process costs as much as a hundred system calls.
  const fd = kernel.call("openat", AT_FDCWD, path, OPEN.O_CLOEXEC, 0);
  const expected = absent.length === 0 ? NOT_THERE : absent;
  if (fd < 0 && expected.some((symbol) => fd === -errnoNumber(symbol))) return undefined;
  if (fd < 0) return readText(kernel, path);
  using file = new OwnedFd(kernel, fd);
  try {
    return new TextDecoder().decode(readAll(kernel, file, path));
  } catch (error) {
    if (isErrno(error, ...expected)) return undefined;
    throw error;
  }
}

const NOT_THERE: readonly Errno[] = ["ENOENT", "ENOTDIR"];

function readAll(kernel: Kernel, file: OwnedFd, path: string): Uint8Array {
  const doing = { doing: `read ${path}`, path };
  let buffer = new Uint8Array(CHUNK_BYTES);
  let length = 0;
  for (;;) {
    const bytes = checkedCall(kernel, doing, "read", file.number, buffer.subarray(length), buffer.length - length);
    if (bytes === 0) return buffer.subarray(0, length);
    length += bytes;
    if (length < buffer.length) continue;
    if (length >= MAX_FILE_BYTES)
      throw new SyscallError(`cannot read ${path}: it is too large`, { call: "read", errno: "EFBIG", path });
    const larger = new Uint8Array(4 * buffer.length);
    larger.set(buffer);
    buffer = larger;
  }
}

/** Writes a text to a file that is there. @throws {SyscallError} */
export function writeText(kernel: Kernel, path: string, text: string): void {
  using file = openFile(kernel, path, OPEN.O_WRONLY, `write ${path}`);
  writeAll(kernel, file, path, text);
}

/** Makes a new file with a text. @throws {SyscallError} EEXIST when there is one */
export function createText(kernel: Kernel, path: string, text: string, mode: number): void {
  const doing = { doing: `write ${path}`, path };
  const flags = OPEN.O_WRONLY | OPEN.O_CREAT | OPEN.O_EXCL | OPEN.O_CLOEXEC;
  using file = openCall(kernel, doing, "openat", AT_FDCWD, path, flags, mode);
  writeAll(kernel, file, path, text);
}

/** Replaces a file: a reader sees the old one or the new one. @throws {SyscallError} */
export function replaceFile(kernel: Kernel, path: string, content: string | Uint8Array, mode: number): void {
  const temporary = `${path}.new`;
  const doing = { doing: `write ${path}`, path };
  const flags = OPEN.O_WRONLY | OPEN.O_CREAT | OPEN.O_TRUNC | OPEN.O_CLOEXEC;
  using file = openCall(kernel, doing, "openat", AT_FDCWD, temporary, flags, mode);
  try {
    writeAll(kernel, file, temporary, content);
    file.close();
    renameFile(kernel, temporary, path);
  } catch (error) {
    // A disk that is full had room for the name.
    kernel.call("unlinkat", AT_FDCWD, temporary, 0);
    throw error;
  }
}

function writeAll(kernel: Kernel, file: OwnedFd, path: string, content: string | Uint8Array): void {
  let rest: Uint8Array = typeof content === "string" ? Buffer.from(content, "utf8") : content;
  while (rest.length > 0) {
    const written = checkedCall(kernel, { doing: `write ${path}`, path }, "write", file.number, rest, rest.length);
    rest = rest.subarray(written);
  }
}

/** rename(2). @throws {SyscallError} */
export function renameFile(kernel: Kernel, from: string, to: string): void {
  checkedCall(kernel, { doing: `rename ${from} to ${to}`, path: to }, "renameat2", AT_FDCWD, from, AT_FDCWD, to, 0);
}

/** unlink(2); a file that is gone already is no fault. @throws {SyscallError} */
export function removeFile(kernel: Kernel, path: string): void {
  const result = kernel.call("unlinkat", AT_FDCWD, path, 0);
  if (result < 0 && result !== -errnoNumber("ENOENT")) {
    checkedCall(kernel, { doing: `remove ${path}`, path }, "unlinkat", AT_FDCWD, path, 0);
  }
}

/** mkdir(2). @throws {SyscallError} EEXIST when there is something */
export function makeDirectory(kernel: Kernel, path: string, mode: number): void {
  checkedCall(kernel, { doing: `make ${path}`, path }, "mkdirat", AT_FDCWD, path, mode);
}

/** mkdir(2) of a directory and of those above it that are missing. @throws {SyscallError} */
export function makeDirectories(kernel: Kernel, path: string, mode: number): void {
  const result = kernel.call("mkdirat", AT_FDCWD, path, mode);
  if (result >= 0 || result === -errnoNumber("EEXIST")) return;
  const above = path.slice(0, path.lastIndexOf("/"));
  if (result === -errnoNumber("ENOENT") && above !== "") {
    makeDirectories(kernel, above, mode);
    // Somebody else may be at it, too.
    if (kernel.call("mkdirat", AT_FDCWD, path, mode) === -errnoNumber("EEXIST")) return;
  }
  if (isDirectory(kernel, path)) return;
  makeDirectory(kernel, path, mode);
}

/** rmdir(2): 0, or the negated errno. */
export function removeEmptyDirectory(kernel: Kernel, path: string): number {
  return kernel.call("unlinkat", AT_FDCWD, path, AT.AT_REMOVEDIR);
}

/** Whether something is at a path; a dangling link counts. */
export function exists(kernel: Kernel, path: string): boolean {
  const result = kernel.call("readlinkat", AT_FDCWD, path, new Uint8Array(1), 1);
  return !NOT_THERE.some((symbol) => result === -errnoNumber(symbol));
}

/** readlink(2); undefined when it is no link, or not to be read. */
export function findLink(kernel: Kernel, path: string): string | undefined {
  const buffer = new Uint8Array(PATH_MAX);
  const bytes = kernel.call("readlinkat", AT_FDCWD, path, buffer, buffer.length);
  return bytes < 0 ? undefined : new TextDecoder().decode(buffer.subarray(0, bytes));
}

/** proc_pid_fd(5): what descriptors of this process are, `pipe:[1234]` for instance; "" for one that is closed. */
export function standardStreams(kernel: Kernel, fds: readonly number[] = [0, 1, 2]): readonly string[] {
  return fds.map((fd) => findLink(kernel, `/proc/self/fd/${fd}`) ?? "");
}

/** realpath(3): absolute, without links; a path at which there is nothing as it is. */
export function realPath(kernel: Kernel, path: string): string {
  const fd = kernel.call("openat", AT_FDCWD, path, OPEN.O_PATH | OPEN.O_CLOEXEC, 0);
  if (fd < 0) return path;
  using file = new OwnedFd(kernel, fd);
  return findLink(kernel, `/proc/self/fd/${file.number}`) ?? path;
}

/** realpath(3) of a directory: absolute, without links. @throws {SyscallError} ENOENT, ENOTDIR */
export function realDirectory(kernel: Kernel, path: string, doing: string): string {
  using directory = openFile(kernel, path, OPEN.O_PATH | OPEN.O_DIRECTORY, doing);
  return findLink(kernel, `/proc/self/fd/${directory.number}`) ?? path;
}

export interface DirectoryEntry {
  readonly name: string;
  readonly isDirectory: boolean;
}

const DT_DIR = 4;

/** getdents64(2): the entries of a directory, without `.` and `..`; none after one of `absent`. @throws {SyscallError} */
export function listDirectory(kernel: Kernel, path: string, ...absent: readonly Errno[]): readonly DirectoryEntry[] {
  try {
    using directory = openFile(kernel, path, OPEN.O_RDONLY | OPEN.O_DIRECTORY, `read ${path}`);
    return readEntries(kernel, directory, path);
  } catch (error) {
    if (isErrno(error, ...(absent.length === 0 ? NOT_THERE : absent))) return [];
    throw error;
  }
}

/** struct linux_dirent64: u64 inode, s64 offset, u16 length of the record, u8 type, then the name with its NUL. */
function readEntries(kernel: Kernel, directory: OwnedFd, path: string): readonly DirectoryEntry[] {
  const entries: DirectoryEntry[] = [];
  const buffer = new Uint8Array(CHUNK_BYTES);
  const view = new DataView(buffer.buffer);
  const doing = { doing: `read ${path}`, path };
  for (;;) {
    const bytes = checkedCall(kernel, doing, "getdents64", directory.number, buffer, buffer.length);
    if (bytes === 0) return entries;
    for (let at = 0; at < bytes; at += view.getUint16(at + 16, true)) {
      const end = buffer.indexOf(0, at + 19);
      const name = new TextDecoder().decode(buffer.subarray(at + 19, end));
      if (name !== "." && name !== "..") entries.push({ name, isDirectory: buffer[at + 18] === DT_DIR });
    }
  }
}

const STATX_BASIC = 0x7ff;

/** statx(2): what we look at of it. */
export interface FileStatus {
  readonly type: number;
  /** The permission bits, with setuid, setgid and sticky. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly inode: bigint;
  readonly sizeBytes: number;
  /** Of a device; 0 of anything else. */
  readonly deviceMajor: number;
  readonly deviceMinor: number;
}

/** statx(2) of a path, or of a descriptor; undefined after any refusal. */
export function findStatus(kernel: Kernel, at: string | number): FileStatus | undefined {
  const buffer = new Uint8Array(256);
  const [fd, path, flags] = typeof at === "number" ? [at, "", AT.AT_EMPTY_PATH] : [AT_FDCWD, at, 0];
  if (kernel.call("statx", fd, path, flags, STATX_BASIC, buffer) < 0) return undefined;
  const view = new DataView(buffer.buffer);
  return {
    type: view.getUint16(28, true) & 0o170000,
    mode: view.getUint16(28, true) & 0o7777,
    uid: view.getUint32(20, true),
    gid: view.getUint32(24, true),
    inode: view.getBigUint64(32, true),
    sizeBytes: Number(view.getBigUint64(40, true)),
    deviceMajor: view.getUint32(128, true),
    deviceMinor: view.getUint32(132, true),
  };
}

/** Whether a path is a directory. */
export function isDirectory(kernel: Kernel, path: string): boolean {
  return findStatus(kernel, path)?.type === FILE_TYPE.S_IFDIR;
}

/** statfs(2), `f_type`: which filesystem a path is on. @throws {SyscallError} */
export function filesystemOf(kernel: Kernel, path: string): number {
  const buffer = new Uint8Array(120);
  checkedCall(kernel, { doing: `look at ${path}`, path }, "statfs", path, buffer);
  return Number(new DataView(buffer.buffer).getBigInt64(0, true));
}
