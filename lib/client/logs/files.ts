import { OPEN } from "../../linux/constants/files.ts";
import { checkedCall, type OwnedFd } from "../../linux/fd.ts";
import { exists, findStatus, openFile } from "../../linux/files.ts";
import type { Kernel } from "../../linux/kernel.ts";

const MAX_FILES = 1000;

/** The files of a log that is rotated, the oldest first; the last is the one that is written to. */
export function logFiles(kernel: Kernel, path: string): readonly string[] {
  const files: string[] = exists(kernel, path) ? [path] : [];
  for (let number = 1; number < MAX_FILES && exists(kernel, `${path}.${number}`); number++) {
    files.unshift(`${path}.${number}`);
  }
  return files;
}

/** A file of a log, open for reading: it stays what it is when the log is rotated meanwhile. */
export interface OpenedLog {
  readonly fd: OwnedFd;
  readonly inode: bigint;
  readonly sizeBytes: number;
}

/** The files of a log, opened, the oldest first. @throws {SyscallError} */
export function openLogFiles(kernel: Kernel, path: string): readonly OpenedLog[] {
  const opened = logFiles(kernel, path).map((file) => openLogFile(kernel, file));
  // One that was renamed between two looks has been opened by both of its names.
  const inodes = opened.map(({ inode }) => inode);
  return opened.filter(({ fd, inode }, index) => {
    const isFirst = inodes.indexOf(inode) === index;
    if (!isFirst) fd.close();
    return isFirst;
  });
}

/** @throws {SyscallError} */
export function openLogFile(kernel: Kernel, path: string): OpenedLog {
  const fd = openFile(kernel, path, OPEN.O_NONBLOCK, `read the log ${path}`);
  const { inode = 0n, sizeBytes = 0 } = findStatus(kernel, fd.number) ?? {};
  return { fd, inode, sizeBytes };
}

/** pread(2). @throws {SyscallError} */
export function readAt(kernel: Kernel, fd: OwnedFd, buffer: Uint8Array, offset: number): number {
  return checkedCall(kernel, { doing: "read the log" }, "pread64", fd.number, buffer, buffer.length, offset);
}
