import type { ContainerError } from "../../errors.ts";
import type { Header } from "./hpack.ts";

/** What a stream tells its owner. */
export interface StreamReceiver {
  /** The first are those of the answer; those with `isLast` are the trailers, or both. */
  headers(headers: readonly Header[], isLast: boolean): void;
  /** Each byte has to be given back by `credit` some time, or nothing more will come. */
  data(bytes: Uint8Array, isLast: boolean): void;
  /** Nothing more will come. */
  failed(error: ContainerError): void;
}

/** What a stream needs of its connection. */
interface Connection {
  /** What may be sent at first. */
  readonly window: number;
  /** There may be something to send. */
  readonly pump: () => void;
  readonly credit: (bytes: number) => void;
  readonly reset: (code: number) => void;
}

interface Part {
  readonly bytes: Uint8Array;
  readonly isLast: boolean;
}

interface Waiting extends Part {
  readonly sent: () => void;
}

/** RFC 9113 § 7 */
const CANCEL = 8;
/** A window is given back in pieces of this size, not byte by byte. */
const CREDIT_BYTES = 1 << 18;
const NO_BYTES = new Uint8Array(0);

/** RFC 9113 § 5: one request and its answer. */
export class Http2Stream {
  readonly #receiver: StreamReceiver;
  readonly #connection: Connection;
  #window: number;
  #waiting: Waiting[] = [];
  #credit = 0;
  #isOver = false;

  constructor(receiver: StreamReceiver, connection: Connection) {
    this.#receiver = receiver;
    this.#connection = connection;
    this.#window = connection.window;
  }

  /** Sends data; settles when all of it is on its way, or nobody wants it any more. */
  async write(bytes: Uint8Array, isLast: boolean): Promise<void> {
    if (this.#isOver) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#waiting.push({ bytes, isLast, sent: resolve });
    this.#connection.pump();
    await promise;
  }

  /** Ends the request. */
  end(): void {
    if (this.#isOver) return;
    this.#waiting.push({ bytes: NO_BYTES, isLast: true, sent: () => undefined });
    this.#connection.pump();
  }

  /** Lets the other side send that many bytes more. */
  credit(bytes: number): void {
    this.#credit += bytes;
    if (this.#credit < CREDIT_BYTES || this.#isOver) return;
    this.#connection.credit(this.#credit);
    this.#credit = 0;
  }

  /** Breaks off: the other side is told, and this one hears nothing more. */
  cancel(): void {
    if (this.#isOver) return;
    this.#finish();
    this.#connection.reset(CANCEL);
  }

  /** For the connection: the next data to send, at most `limit` bytes of it; undefined when there is none, or no room. */
  take(limit: number): Part | undefined {
    const [first] = this.#waiting;
    if (first === undefined) return undefined;
    const room = Math.min(limit, this.#window);
    if (room <= 0 && first.bytes.length > 0) return undefined;
    const bytes = first.bytes.subarray(0, room);
    this.#window -= bytes.length;
    if (bytes.length < first.bytes.length) {
      this.#waiting[0] = { ...first, bytes: first.bytes.subarray(bytes.length) };
      return { bytes, isLast: false };
    }
    this.#waiting.shift();
    first.sent();
    return { bytes, isLast: first.isLast };
  }

  /** For the connection: the other side takes so much more. */
  widen(bytes: number): void {
    this.#window += bytes;
  }

  receiveHeaders(headers: readonly Header[], isLast: boolean): void {
    if (isLast) this.#finish();
    this.#receiver.headers(headers, isLast);
  }

  receive(bytes: Uint8Array, isLast: boolean): void {
    if (isLast) this.#finish();
    this.#receiver.data(bytes, isLast);
  }

  fail(error: ContainerError): void {
    this.#finish();
    this.#receiver.failed(error);
  }

  #finish(): void {
    this.#isOver = true;
    for (const { sent } of this.#waiting) sent();
    this.#waiting = [];
  }
}
