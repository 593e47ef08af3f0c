import { FCNTL, O_ASYNC } from "./constants/files.ts";
import { POLL } from "./constants/sockets.ts";
import { checkedCall, type OwnedFd } from "./fd.ts";
import type { Kernel } from "./kernel.ts";

/** `struct pollfd`: i32 fd, i16 events, i16 revents. */
const POLLFD_BYTES = 8;
const POLLFD_REVENTS = 6;

interface Waiting {
  readonly fd: OwnedFd;
  readonly events: number;
  readonly resolve: () => void;
}

/**
 * Readiness of descriptors that are read and written by system calls while an event loop goes on: the kernel says by SIGIO
 * that something has changed, and ppoll(2) where.
 */
export class Readiness {
  readonly #kernel: Kernel;
  #waiting: readonly Waiting[] = [];

  constructor(kernel: Kernel) {
    this.#kernel = kernel;
  }

  /** Returns when a read would not block. The descriptor stays the caller's, who keeps it open. @throws {SyscallError} */
  readable(fd: OwnedFd): Promise<void> {
    return this.#ready(fd, POLL.POLLIN);
  }

  /** Returns when a write would not block. @throws {SyscallError} */
  writable(fd: OwnedFd): Promise<void> {
    return this.#ready(fd, POLL.POLLOUT);
  }

  /** Lets go whoever waits for a descriptor; to be called before it is closed. */
  forget(fd: OwnedFd): void {
    this.#release((waiting) => waiting.fd === fd);
  }

  /** Something has changed: to be called for SIGIO. */
  check(): void {
    this.#release(({ fd, events }) => pollNow(this.#kernel, fd, events) !== 0);
  }

  #release(isOver: (waiting: Waiting) => boolean): void {
    const over = this.#waiting.filter(isOver);
    if (over.length === 0) return;
    this.#waiting = this.#waiting.filter((waiting) => !over.includes(waiting));
    for (const { resolve } of over) resolve();
  }

  async #ready(fd: OwnedFd, events: number): Promise<void> {
    if (pollNow(this.#kernel, fd, events) !== 0) return;
    const doing = { doing: "watch a descriptor" };
    const flags = checkedCall(this.#kernel, doing, "fcntl", fd.number, FCNTL.F_GETFL, 0);
    if ((flags & O_ASYNC) === 0) {
      checkedCall(this.#kernel, doing, "fcntl", fd.number, FCNTL.F_SETOWN, process.pid);
      checkedCall(this.#kernel, doing, "fcntl", fd.number, FCNTL.F_SETFL, flags | O_ASYNC);
      // What came before the flag was set has sent no signal.
      if (pollNow(this.#kernel, fd, events) !== 0) return;
    }
    await new Promise<void>((resolve) => {
      this.#waiting = [...this.#waiting, { fd, events, resolve }];
    });
  }
}

/** ppoll(2) of one descriptor, without waiting: which of the events there are; POLLHUP and POLLERR count always. */
export function pollNow(kernel: Kernel, fd: OwnedFd, events: number): number {
  return pollFor(kernel, fd, events, 0);
}

/** ppoll(2) of one descriptor: which of the events there are, as soon as there are any; 0 when the time is up. */
export function pollFor(kernel: Kernel, fd: OwnedFd, events: number, limitMs: number): number {
  const time = BigInt64Array.of(BigInt(Math.floor(limitMs / 1e3)), BigInt((limitMs % 1e3) * 1e6));
  const poll = new DataView(new ArrayBuffer(POLLFD_BYTES));
  poll.setInt32(0, fd.number, true);
  poll.setInt16(4, events, true);
  kernel.call("ppoll", new Uint8Array(poll.buffer), 1, time, 0, 0);
  return poll.getInt16(POLLFD_REVENTS, true);
}
