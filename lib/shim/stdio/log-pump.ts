import { errnoNumber } from "../../linux/constants/errno.ts";
import type { OwnedFd } from "../../linux/fd.ts";
import type { Kernel } from "../../linux/kernel.ts";
import type { Machine } from "../machine.ts";
import { JsonLines, type StreamName } from "./json-lines.ts";
import type { LogFile } from "./log-file.ts";

const BUFFER_BYTES = 64 * 1024;
/** After so many buffers in a row others get their turn. */
const BUFFERS_A_TURN = 8;
/** What a pipe can hold at most without privilege: who reads that much has read all that was there when he began. */
const MAX_PIPE_BYTES = 1024 * 1024;
const AGAIN = -errnoNumber("EAGAIN");
const INTERRUPTED = -errnoNumber("EINTR");

/** What a pump brings. */
export interface PumpedStream {
  readonly name: StreamName;
  /** Somebody may look at it as it comes: a line is not kept back until it is whole. */
  readonly isLive: boolean;
}

/** Brings one output, from a pipe or a terminal, into a log. The descriptor is the caller's and does not block. */
export class LogPump {
  readonly #machine: Machine;
  readonly #from: OwnedFd;
  readonly #lines: JsonLines;
  readonly #isLive: boolean;
  readonly #buffer = new Uint8Array(BUFFER_BYTES);
  #isOver = false;

  constructor(machine: Machine, from: OwnedFd, file: LogFile, { name, isLive }: PumpedStream) {
    this.#machine = machine;
    this.#from = from;
    this.#isLive = isLive;
    this.#lines = new JsonLines(name, (lines) => file.append(lines));
  }

  /** Goes on until the output has ended, or the pump was stopped. @throws {SyscallError} when it cannot be watched */
  async run(): Promise<void> {
    for (let count = 1; !this.#isOver; count++) {
      if (this.#step() === 0) await this.#machine.readiness.readable(this.#from);
      if (count % BUFFERS_A_TURN === 0) await new Promise((resolve) => setImmediate(resolve));
    }
  }

  /** Takes, at once, all that has been written until now. */
  drain(): void {
    for (let total = 0; total < MAX_PIPE_BYTES && !this.#isOver; ) {
      const bytes = this.#step();
      if (bytes === 0) return;
      total += bytes;
    }
  }

  /** Takes no more; a last line without an end is whole with that. From here the descriptor may be closed. */
  stop(): void {
    this.#machine.readiness.forget(this.#from);
    this.#end();
  }

  /** Reads once: how many bytes, and 0 when there is nothing yet, or nothing any more. */
  #step(): number {
    const { kernel } = this.#machine;
    for (;;) {
      const bytes = kernel.call("read", this.#from.number, this.#buffer, this.#buffer.length);
      if (bytes === INTERRUPTED) continue;
      if (bytes === AGAIN) {
        if (this.#isLive) this.#lines.part();
        return 0;
      }
      // A terminal without a slave ends in EIO.
      if (bytes <= 0) this.#end();
      else this.#lines.push(this.#buffer.subarray(0, bytes), timeNow(kernel));
      return Math.max(bytes, 0);
    }
  }

  #end(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#lines.end(timeNow(this.#machine.kernel));
  }
}

/** clock_gettime(2) of CLOCK_REALTIME, as RFC 3339 with nanoseconds. */
function timeNow(kernel: Kernel): string {
  const time = new BigInt64Array(2);
  kernel.call("clock_gettime", 0, time);
  const [seconds = 0n, nanoseconds = 0n] = time;
  const date = new Date(Number(seconds) * 1_000).toISOString();
  return `${date.slice(0, -"000Z".length)}${String(nanoseconds).padStart(9, "0")}Z`;
}
