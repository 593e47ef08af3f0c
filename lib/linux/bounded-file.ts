import { ContainerError } from "../errors.ts";
import { FILE_TYPE, OPEN } from "./constants/files.ts";
import { checkedCall } from "./fd.ts";
import { findStatus, openFile } from "./files.ts";
import type { Kernel } from "./kernel.ts";

/** What is no regular file may have no end, or keep its reader waiting. */
const KINDS: ReadonlyMap<number, string> = new Map([
  [FILE_TYPE.S_IFDIR, "a directory"],
  [FILE_TYPE.S_IFIFO, "a FIFO"],
  [FILE_TYPE.S_IFCHR, "a device"],
  [FILE_TYPE.S_IFBLK, "a device"],
]);

/**
 * The text of a file that a person has named: of a regular one, and no longer than it may be.
 * @throws {ContainerError} invalid_argument
 * @throws {SyscallError} when it cannot be opened
 */
export function readBoundedText(kernel: Kernel, path: string, maxBytes: number): string {
  // Not to wait for whoever opens the other end of a FIFO.
  using file = openFile(kernel, path, OPEN.O_RDONLY | OPEN.O_NONBLOCK, `read ${path}`);
  const type = findStatus(kernel, file.number)?.type ?? 0;
  if (type !== FILE_TYPE.S_IFREG) {
    throw cannotRead(path, `it is ${KINDS.get(type) ?? "no regular file"}, must be a regular file`);
  }
  const buffer = new Uint8Array(maxBytes + 1);
  for (let length = 0; ; ) {
    const rest = buffer.subarray(length);
    if (rest.length === 0) throw cannotRead(path, `it is larger than ${maxBytes} bytes`);
    const bytes = checkedCall(kernel, { doing: `read ${path}`, path }, "read", file.number, rest, rest.length);
    if (bytes === 0) return new TextDecoder().decode(buffer.subarray(0, length));
    length += bytes;
  }
}

function cannotRead(path: string, why: string): ContainerError {
  return new ContainerError("invalid_argument", `cannot read ${path}: ${why}`);
}
