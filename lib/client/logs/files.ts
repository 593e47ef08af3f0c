import { OPEN } from "../../linux/constants/files.ts";
import { checkedCall, type OwnedFd } from "../../linux/fd.ts";
import { exists, findStatus, openFile } from "../../linux/files.ts";
import type { Kernel } from "../../linux/kernel.ts";

const MAX_FILES = 1000;
const CHUNK_BYTES = 64 * 1024;
const NEWLINE = 0x0a;

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

/** Where the last `count` lines of some files begin: in which file, at which byte. @throws {SyscallError} */
export function findTail(
  kernel: Kernel,
  files: readonly OpenedLog[],
  count: number,
): { readonly file: number; readonly offset: number } {
  let left = count;
  for (let file = files.length - 1; file >= 0; file--) {
    const opened = files[file];
    if (opened === undefined) continue;
    const found = findLines(kernel, opened, left);
    if (found.offset !== undefined) return { file, offset: found.offset };
    left -= found.lines;
  }
  return { file: 0, offset: 0 };
}

/** Where the last `count` lines of a file begin, or how many lines it has when it has fewer. */
function findLines(
  kernel: Kernel,
  { fd, sizeBytes }: OpenedLog,
  count: number,
): { readonly offset: number | undefined; readonly lines: number } {
  if (count === 0) return { offset: sizeBytes, lines: 0 };
  if (sizeBytes === 0) return { offset: undefined, lines: 0 };
  const buffer = new Uint8Array(CHUNK_BYTES);
  const isHalf = readAt(kernel, fd, buffer.subarray(0, 1), sizeBytes - 1) === 1 && buffer[0] !== NEWLINE;
  let lines = isHalf ? 1 : 0;
  for (let end = sizeBytes; end > 0; ) {
    const from = Math.max(0, end - CHUNK_BYTES);
    const bytes = readAt(kernel, fd, buffer.subarray(0, end - from), from);
    for (let at = bytes - 1; at >= 0; at--) {
      if (buffer[at] !== NEWLINE) continue;
      if (lines === count) return { offset: from + at + 1, lines };
      lines++;
    }
    end = from;
  }
  return { offset: undefined, lines };
}

/** pread(2). @throws {SyscallError} */
export function readAt(kernel: Kernel, fd: OwnedFd, buffer: Uint8Array, offset: number): number {
  return checkedCall(kernel, { doing: "read the log" }, "pread64", fd.number, buffer, buffer.length, offset);
}
