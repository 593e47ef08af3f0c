import { errnoNumber } from "../../linux/constants/errno.ts";
import type { OwnedFd } from "../../linux/fd.ts";
import { bytesWaiting } from "../../linux/fifo.ts";
import type { Machine } from "../machine.ts";
import type { Sink } from "./output.ts";

const BUFFER_BYTES = 32 * 1024;
/** After so many buffers in a row others get their turn. */
const BUFFERS_A_TURN = 16;
const AGAIN = -errnoNumber("EAGAIN");

/**
 * Copies to a sink. The reader of a FIFO is given its end as soon as the source has ended: a client whose daemon was killed
 * under its start waits for that, and asks for the removal of the process afterwards only.
 */
export function copyToSink(machine: Machine, from: OwnedFd, { writer, keeper }: Sink): Copier {
  const copier = new Copier(machine, from, writer);
  if (keeper !== undefined) void copier.ended.finally(() => writer.close());
  return copier;
}

/** Copies from one descriptor to another, both non-blocking and both the caller's, until the end or until it is stopped. */
export class Copier {
  readonly #machine: Machine;
  readonly #from: OwnedFd;
  readonly #to: OwnedFd;
  #isStopped = false;
  /** Bytes that were read and are not written yet. */
  #held = 0;
  /** Those of them that settle() has left. */
  #rest: Uint8Array | undefined;
  #copiedBytes = 0;
  readonly #ended: Promise<void>;

  constructor(machine: Machine, from: OwnedFd, to: OwnedFd) {
    this.#machine = machine;
    this.#from = from;
    this.#to = to;
    this.#ended = this.#copy();
  }

  /** Everything that has been written to the source until now is copied. */
  get isIdle(): boolean {
    return this.#isStopped || (this.#held === 0 && bytesWaiting(this.#machine.kernel, this.#from.number) === 0);
  }

  /** It copies no more: the source has ended, or it was stopped. */
  get isOver(): boolean {
    return this.#isStopped;
  }

  get copiedBytes(): number {
    return this.#copiedBytes;
  }

  /** Returns when the source has ended, or the copier was stopped. */
  get ended(): Promise<void> {
    return this.#ended;
  }

  /** Copies what there is by now, as far as it is taken without waiting: nothing is lost with this process any more. */
  settle(): void {
    const { kernel, readiness } = this.#machine;
    if (this.#isStopped || this.#held > 0) return;
    const buffer = new Uint8Array(BUFFER_BYTES);
    // What is left behind by the process may write on for ever.
    for (let waiting = bytesWaiting(kernel, this.#from.number); waiting > 0 && this.#held === 0; ) {
      const bytes = kernel.call("read", this.#from.number, buffer, buffer.length);
      if (bytes <= 0) return;
      waiting -= bytes;
      const written = Math.max(0, kernel.call("write", this.#to.number, buffer, bytes));
      this.#copiedBytes += written;
      if (written === bytes) continue;
      this.#rest = buffer.slice(written, bytes);
      this.#held = bytes - written;
      // Whoever waits for more goes on with that.
      readiness.forget(this.#from);
    }
  }

  /** Copies no more. From here the descriptors may be closed. */
  stop(): void {
    if (this.#isStopped) return;
    this.#isStopped = true;
    this.#machine.readiness.forget(this.#from);
    this.#machine.readiness.forget(this.#to);
  }

  async #copy(): Promise<void> {
    const { kernel, readiness } = this.#machine;
    const buffer = new Uint8Array(BUFFER_BYTES);
    for (let count = 1; !this.#isStopped; count++) {
      const rest = this.#rest;
      this.#rest = undefined;
      if (rest !== undefined) await this.#write(rest);
      const bytes = kernel.call("read", this.#from.number, buffer, buffer.length);
      if (bytes === AGAIN) await readiness.readable(this.#from);
      // A terminal without a slave ends in EIO.
      else if (bytes <= 0) break;
      else await this.#write(buffer.subarray(0, bytes));
      if (count % BUFFERS_A_TURN === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    this.#isStopped = true;
  }

  async #write(bytes: Uint8Array): Promise<void> {
    const { kernel, readiness } = this.#machine;
    for (let rest = bytes; rest.length > 0 && !this.#isStopped; ) {
      this.#held = rest.length;
      const written = kernel.call("write", this.#to.number, rest, rest.length);
      if (written === AGAIN) await readiness.writable(this.#to);
      else if (written > 0) {
        rest = rest.subarray(written);
        this.#copiedBytes += written;
      }
      // A disk that is full, a reader that is gone: what cannot be written is lost, and the program goes on.
      else break;
    }
    this.#held = 0;
  }
}
