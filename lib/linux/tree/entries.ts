/**
 * Entries of a directory that is open: each function takes its descriptor and a single name, and follows no link. Nothing
 * here can therefore reach anything but that directory.
 */
import { errnoNumber } from "../constants/errno.ts";
import { AT, FILE_TYPE, OPEN } from "../constants/files.ts";
import type { SyscallName } from "../constants/syscalls.ts";
import { checkedCall, checkResult, OwnedFd } from "../fd.ts";
import type { Kernel, KernelArgument } from "../kernel.ts";
import { type BytePath, fromBytes, toKernel, toText } from "./paths.ts";

/** statx(2) of an entry. */
export interface EntryStatus {
  /** One of FILE_TYPE. */
  readonly type: number;
  /** The permission bits, with setuid, setgid and sticky. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly size: number;
  readonly blocks: number;
  readonly links: number;
  /** Device and inode: what makes two names one file. */
  readonly identity: string;
  readonly major: number;
  readonly minor: number;
  readonly mtime: Time;
}

/** A point in time: seconds since 1970, and nanoseconds within. */
export interface Time {
  readonly seconds: number;
  readonly nanoseconds: number;
}

const STATX_BASIC = 0x7ff;
const STATX_BYTES = 256;
const statxBuffer = new Uint8Array(STATX_BYTES);
const statxView = new DataView(statxBuffer.buffer);

/** statx(2) of a name in a directory, or of the directory itself for "". Undefined when it is not there. */
export function findEntry(kernel: Kernel, directory: number, name: BytePath): EntryStatus | undefined {
  const flags = AT.AT_SYMLINK_NOFOLLOW | AT.AT_EMPTY_PATH;
  const result = kernel.call("statx", directory, toKernel(name), flags, STATX_BASIC, statxBuffer);
  if (result === -errnoNumber("ENOENT")) return undefined;
  check(result, "statx", "look at", name);
  const mode = statxView.getUint16(28, true);
  const device = `${statxView.getUint32(136, true)}:${statxView.getUint32(140, true)}`;
  return {
    type: mode & 0o170000,
    mode: mode & 0o7777,
    links: statxView.getUint32(16, true),
    uid: statxView.getUint32(20, true),
    gid: statxView.getUint32(24, true),
    identity: `${device}:${statxView.getBigUint64(32, true)}`,
    size: Number(statxView.getBigUint64(40, true)),
    blocks: Number(statxView.getBigUint64(48, true)),
    mtime: { seconds: Number(statxView.getBigInt64(112, true)), nanoseconds: statxView.getUint32(120, true) },
    major: statxView.getUint32(128, true),
    minor: statxView.getUint32(132, true),
  };
}

/** Opens a name without following it. @throws {SyscallError} ELOOP for a link, unless O_PATH */
export function openEntry(kernel: Kernel, directory: number, name: BytePath, flags: number, mode = 0): OwnedFd {
  const all = flags | OPEN.O_NOFOLLOW | OPEN.O_CLOEXEC;
  return new OwnedFd(kernel, call(kernel, `open ${toText(name)}`, "openat", directory, toKernel(name), all, mode));
}

/** mkdirat(2). The mode is subject to the umask. @throws {SyscallError} */
export function makeDirectory(kernel: Kernel, directory: number, name: BytePath, mode: number): void {
  call(kernel, `make directory ${toText(name)}`, "mkdirat", directory, toKernel(name), mode);
}

/** symlinkat(2): the target is any bytes. @throws {SyscallError} */
export function makeLink(kernel: Kernel, directory: number, name: BytePath, target: BytePath): void {
  const doing = `make link ${toText(name)}`;
  call(kernel, doing, "symlinkat", toKernel(target), directory, toKernel(name));
}

/** mknodat(2). @throws {SyscallError} */
export function makeNode(
  kernel: Kernel,
  directory: number,
  name: BytePath,
  node: { readonly type: number; readonly mode: number; readonly major: number; readonly minor: number },
): void {
  const { type, mode, major, minor } = node;
  const device = deviceNumber(major, minor);
  call(kernel, `make device ${toText(name)}`, "mknodat", directory, toKernel(name), type | mode, device);
}

/** makedev(3): `dev_t` as the kernel takes it in user space. */
export function deviceNumber(major: number, minor: number): number {
  return (minor & 0xff) | ((major & 0xfff) << 8) | ((minor & ~0xff) << 12);
}

/** linkat(2): a second name for what is no directory; a link itself is linked, not what it points to. @throws {SyscallError} */
export function makeHardLink(
  kernel: Kernel,
  from: { readonly directory: number; readonly name: BytePath },
  to: { readonly directory: number; readonly name: BytePath },
): void {
  const doing = `link ${toText(to.name)} to ${toText(from.name)}`;
  call(kernel, doing, "linkat", from.directory, toKernel(from.name), to.directory, toKernel(to.name), 0);
}

/** unlinkat(2): 0, or the negated errno. */
export function unlinkEntry(kernel: Kernel, directory: number, name: BytePath, asDirectory = false): number {
  return kernel.call("unlinkat", directory, toKernel(name), asDirectory ? AT.AT_REMOVEDIR : 0);
}

/** fchownat(2). @throws {SyscallError} */
export function changeOwner(kernel: Kernel, directory: number, name: BytePath, uid: number, gid: number): void {
  const flags = AT.AT_SYMLINK_NOFOLLOW | AT.AT_EMPTY_PATH;
  call(kernel, `change the owner of ${toText(name)}`, "fchownat", directory, toKernel(name), uid, gid, flags);
}

/** Changes the permission bits of what is no link, whatever the umask. @throws {SyscallError} */
export function changeMode(kernel: Kernel, directory: number, name: BytePath, mode: number): void {
  // fchmodat(2) knows no flag against following; a descriptor of the entry itself has nothing to follow.
  using entry = openEntry(kernel, directory, name, OPEN.O_PATH);
  const path = `/proc/self/fd/${entry.number}`;
  call(kernel, `change the mode of ${toText(name)}`, "fchmodat", directory, path, mode);
}

/** utimensat(2) of an entry, or of the descriptor itself for undefined. @throws {SyscallError} */
export function changeTimes(
  kernel: Kernel,
  directory: number,
  name: BytePath | undefined,
  { atime, mtime }: { readonly atime: Time; readonly mtime: Time },
): void {
  const times = new BigInt64Array(4);
  times[0] = BigInt(atime.seconds);
  times[1] = BigInt(atime.nanoseconds);
  times[2] = BigInt(mtime.seconds);
  times[3] = BigInt(mtime.nanoseconds);
  const path = name === undefined ? 0 : toKernel(name);
  const flags = name === undefined ? 0 : AT.AT_SYMLINK_NOFOLLOW;
  call(kernel, `change the times of ${toText(name ?? "a file")}`, "utimensat", directory, path, times, flags);
}

const LINK_BYTES = 4096;

/** readlinkat(2). @throws {SyscallError} */
export function readLink(kernel: Kernel, directory: number, name: BytePath): BytePath {
  const buffer = new Uint8Array(LINK_BYTES);
  const doing = `read link ${toText(name)}`;
  return fromBytes(
    buffer.subarray(0, call(kernel, doing, "readlinkat", directory, toKernel(name), buffer, LINK_BYTES)),
  );
}

/** A name in a directory. */
export interface NamedEntry {
  readonly name: BytePath;
  /** Whether it is known to be a directory; some filesystems do not say. */
  readonly isDirectory: boolean;
}

const DIRENTS_BYTES = 65_536;
const DT_DIR = 4;

/** getdents64(2): all names in an open directory, read from the beginning, without `.` and `..`. @throws {SyscallError} */
export function listEntries(kernel: Kernel, directory: number): readonly NamedEntry[] {
  const entries: NamedEntry[] = [];
  const buffer = new Uint8Array(DIRENTS_BYTES);
  const view = new DataView(buffer.buffer);
  call(kernel, "read a directory", "lseek", directory, 0, 0);
  for (;;) {
    const bytes = call(kernel, "read a directory", "getdents64", directory, buffer, buffer.length);
    if (bytes === 0) return entries;
    for (let at = 0; at < bytes; at += view.getUint16(at + 16, true)) {
      const name = fromBytes(buffer.subarray(at + 19, buffer.indexOf(0, at + 19)));
      if (name !== "." && name !== "..") entries.push({ name, isDirectory: buffer[at + 18] === DT_DIR });
    }
  }
}

const XATTR_LIST_BYTES = 65_536;
const XATTR_VALUE_BYTES = 65_536;

/** llistxattr(2): the names of an entry's extended attributes; none where the filesystem has none. @throws {SyscallError} */
export function listAttributes(kernel: Kernel, directory: number, name: BytePath): readonly string[] {
  const buffer = new Uint8Array(XATTR_LIST_BYTES);
  const result = kernel.call("llistxattr", attributePath(directory, name), buffer, buffer.length);
  if (result === 0 || result === -errnoNumber("EOPNOTSUPP")) return [];
  check(result, "llistxattr", "list the attributes of", name);
  return fromBytes(buffer.subarray(0, result - 1)).split("\0");
}

/** lgetxattr(2); undefined when the entry has no such attribute. @throws {SyscallError} */
export function findAttribute(kernel: Kernel, directory: number, name: BytePath, key: string): Uint8Array | undefined {
  const buffer = new Uint8Array(XATTR_VALUE_BYTES);
  const path = attributePath(directory, name);
  const result = kernel.call("lgetxattr", path, toKernel(key), buffer, buffer.length);
  if (result === -errnoNumber("ENODATA") || result === -errnoNumber("EOPNOTSUPP")) return undefined;
  check(result, "lgetxattr", `read attribute ${toText(key)} of`, name);
  return buffer.slice(0, result);
}

/** lsetxattr(2): 0, or the negated errno. */
export function setAttribute(
  kernel: Kernel,
  directory: number,
  name: BytePath,
  attribute: { readonly key: string; readonly value: Uint8Array },
): number {
  const { key, value } = attribute;
  return kernel.call("lsetxattr", attributePath(directory, name), toKernel(key), value, value.length, 0);
}

/** The calls for attributes take paths only: this one is the open directory's, whatever its name is by now. */
function attributePath(directory: number, name: BytePath): Uint8Array {
  return toKernel(name === "" ? `/proc/self/fd/${directory}/.` : `/proc/self/fd/${directory}/${name}`);
}

/** Whether a status is that of a directory. */
export function isDirectory(status: EntryStatus | undefined): boolean {
  return status?.type === FILE_TYPE.S_IFDIR;
}

function call(kernel: Kernel, doing: string, name: SyscallName, ...args: KernelArgument[]): number {
  return checkedCall(kernel, { doing }, name, ...args);
}

function check(result: number, name: SyscallName, verb: string, entry: BytePath): void {
  checkResult(result, { doing: `${verb} ${toText(entry)}` }, name);
}
