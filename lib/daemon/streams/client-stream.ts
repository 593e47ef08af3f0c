import { ContainerError } from "../../errors.ts";
import type { TypedBytes } from "../metadata/typed-bytes.ts";

/** Messages that wait to be sent; whoever sends more waits, or leaves out what can be left out. */
const MAX_QUEUED = 256;

/** streaming.proto: a stream that a client has opened, in its two directions. */
export class ClientStream {
  readonly #incoming: AsyncIterator<TypedBytes>;
  readonly #signal: AbortSignal;
  readonly #queue: TypedBytes[] = [];
  readonly #wakeups = new Set<() => void>();
  #isClosed = false;

  /** `signal` says that the client has gone. */
  constructor(incoming: AsyncIterator<TypedBytes>, signal: AbortSignal) {
    this.#incoming = incoming;
    this.#signal = signal;
    signal.addEventListener("abort", () => this.#wake(), { once: true });
  }

  /** The next message of the client; undefined when it has no more to say. */
  async receive(): Promise<TypedBytes | undefined> {
    const { done = false, value } = await this.#incoming.next();
    return done ? undefined : value;
  }

  /** Sends, when there is room. @throws {ContainerError} aborted when the client has gone */
  async send(message: TypedBytes): Promise<void> {
    while (this.#queue.length >= MAX_QUEUED && !this.#isOver) await this.#change();
    if (this.#isOver) throw new ContainerError("aborted", "the client has closed the stream");
    this.#put(message);
  }

  /** Sends if there is room, or if it must not be left out. What the client does not want any more is no fault. */
  offer(message: TypedBytes, { mustCome }: { readonly mustCome: boolean }): void {
    if (this.#isOver || (this.#queue.length >= MAX_QUEUED && !mustCome)) return;
    this.#put(message);
  }

  /** Ends the stream, behind what was sent. May be repeated. */
  close(): void {
    this.#isClosed = true;
    this.#wake();
  }

  /** What goes to the client, until the stream is closed. */
  async *outgoing(): AsyncGenerator<TypedBytes> {
    while (!this.#signal.aborted) {
      const message = this.#queue.shift();
      if (message !== undefined) {
        this.#wake();
        yield message;
      } else if (this.#isClosed) return;
      else await this.#change();
    }
  }

  get #isOver(): boolean {
    return this.#isClosed || this.#signal.aborted;
  }

  #put(message: TypedBytes): void {
    this.#queue.push(message);
    this.#wake();
  }

  #change(): Promise<void> {
    return new Promise((resolve) => this.#wakeups.add(resolve));
  }

  #wake(): void {
    const all = [...this.#wakeups];
    this.#wakeups.clear();
    for (const wake of all) wake();
  }
}
