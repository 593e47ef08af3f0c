import { AT_FDCWD, FCNTL, FILE_TYPE, OPEN } from "./constants/files.ts";
import { POLL } from "./constants/sockets.ts";
import { TTY } from "./constants/terminals.ts";
import { checkedCall, OwnedFd } from "./fd.ts";
import { findStatus, openFile } from "./files.ts";
import type { Kernel } from "./kernel.ts";
import { pollNow } from "./readiness.ts";

const SPLICE_F_NONBLOCK = 2;

/** fifo(7): whether a path is one. */
export function isFifo(kernel: Kernel, path: string): boolean {
  return findStatus(kernel, path)?.type === FILE_TYPE.S_IFIFO;
}

/** mkfifo(3). @throws {SyscallError} EEXIST when there is something */
export function makeFifo(kernel: Kernel, path: string, mode: number): void {
  checkedCall(kernel, { doing: `make ${path}`, path }, "mknodat", AT_FDCWD, path, FILE_TYPE.S_IFIFO | mode, 0);
}

/**
 * An end for reading, open at once whether or not anybody writes. As long as it is open, nobody who writes gets SIGPIPE.
 * It does not block. @throws {SyscallError}
 */
export function openFifoReader(kernel: Kernel, path: string): OwnedFd {
  return openFile(kernel, path, OPEN.O_RDONLY | OPEN.O_NONBLOCK);
}

/** An end for writing; the caller has one for reading open. It does not block. @throws {SyscallError} */
export function openFifoWriter(kernel: Kernel, path: string): OwnedFd {
  return openFile(kernel, path, OPEN.O_WRONLY | OPEN.O_NONBLOCK);
}

/** fcntl(2): reads and writes wait, as a program expects of its standard streams. @throws {SyscallError} */
export function setBlocking(kernel: Kernel, fd: OwnedFd): void {
  const flags = checkedCall(kernel, { doing: "look at a descriptor" }, "fcntl", fd.number, FCNTL.F_GETFL, 0);
  checkedCall(
    kernel,
    { doing: "make a descriptor block" },
    "fcntl",
    fd.number,
    FCNTL.F_SETFL,
    flags & ~OPEN.O_NONBLOCK,
  );
}

/** fcntl(2): reads and writes never wait. @throws {SyscallError} */
export function setNonBlocking(kernel: Kernel, fd: OwnedFd): void {
  const flags = checkedCall(kernel, { doing: "look at a descriptor" }, "fcntl", fd.number, FCNTL.F_GETFL, 0);
  checkedCall(kernel, { doing: "unblock a descriptor" }, "fcntl", fd.number, FCNTL.F_SETFL, flags | OPEN.O_NONBLOCK);
}

/** pipe2(2): both ends close on exec and block. @throws {SyscallError} */
export function makePipe(kernel: Kernel): { readonly reader: OwnedFd; readonly writer: OwnedFd } {
  const fds = new Int32Array(2);
  checkedCall(kernel, { doing: "make a pipe" }, "pipe2", fds, OPEN.O_CLOEXEC);
  const [reader = -1, writer = -1] = fds;
  return { reader: new OwnedFd(kernel, reader), writer: new OwnedFd(kernel, writer) };
}

/** FIONREAD: how many bytes can be read at once from a pipe or a terminal. */
export function bytesWaiting(kernel: Kernel, fd: number): number {
  const count = new Int32Array(1);
  return kernel.call("ioctl", fd, TTY.FIONREAD, count) < 0 ? 0 : (count[0] ?? 0);
}

/**
 * Whether somebody has a FIFO open for writing, or had since this end was opened; said of an end that nobody of ours
 * writes to. A writer that waits for a reader counts from the moment it asks.
 */
export function hasHadWriter(kernel: Kernel, reader: OwnedFd): boolean {
  const { reader: sink, writer: probe } = makePipe(kernel);
  using _sink = sink;
  using _probe = probe;
  // tee(2) takes nothing: bytes that are there, or EAGAIN of a writer who is silent, or 0.
  const copied = kernel.call("tee", reader.number, probe.number, 1, SPLICE_F_NONBLOCK);
  return copied !== 0 || (pollNow(kernel, reader, 0) & POLL.POLLHUP) !== 0;
}
