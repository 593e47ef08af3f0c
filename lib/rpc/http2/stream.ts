import type { ContainerError } from "../../errors.ts";
import { CODE, Http2Error } from "./error.ts";
import { MAX_WINDOW_BYTES } from "./frame.ts";
import type { Header } from "./hpack.ts";

/** What a stream tells its owner. */
export interface StreamReceiver {
  /** At a client the first are those of the answer; those with `isLast` are the trailers, or both. */
  headers(headers: readonly Header[], isLast: boolean): void;
  /** Each byte has to be given back by `credit` some time, or nothing more will come. */
  data(bytes: Uint8Array, isLast: boolean): void;
  /** Nothing more will come, and nothing is sent any more. */
  failed(error: ContainerError): void;
}

/** What a stream needs of its connection. */
export interface StreamLink {
  /** What may be sent at first. */
  readonly sendWindow: number;
  /** What may be received at first. */
  readonly receiveWindow: number;
  readonly sendHeaders: (headers: readonly Header[], isLast: boolean) => void;
  /** There may be something to send. */
  readonly pump: () => void;
  readonly credit: (bytes: number) => void;
  /** The other side is told that this one takes and sends no more. */
  readonly reset: (code: number) => void;
}

/** Data to send, or what ends them. */
type Part =
  | { readonly bytes: Uint8Array; readonly isLast: boolean; readonly sent: () => void }
  | { readonly trailers: readonly Header[] };

/** A window is given back in pieces of this size, not byte by byte. */
const CREDIT_BYTES = 1 << 18;
const NO_BYTES = new Uint8Array(0);

/** RFC 9113 § 5: one request and its answer. */
export class Http2Stream {
  readonly #link: StreamLink;
  #receiver: StreamReceiver | undefined;
  #sendWindow: number;
  #receiveWindow: number;
  #waiting: Part[] = [];
  #credit = 0;
  #hasReceivedAll = false;
  #isOver = false;

  constructor(link: StreamLink) {
    this.#link = link;
    this.#sendWindow = link.sendWindow;
    this.#receiveWindow = link.receiveWindow;
  }

  /** For the connection: who is told of what comes. */
  attach(receiver: StreamReceiver): void {
    this.#receiver = receiver;
  }

  /** The other side has sent all it will. */
  get hasReceivedAll(): boolean {
    return this.#hasReceivedAll;
  }

  /** For the connection: there is something to send. */
  get isWaiting(): boolean {
    return this.#waiting.length > 0;
  }

  /** Sends headers, before all data. */
  respond(headers: readonly Header[], isLast: boolean): void {
    if (!this.#isOver) this.#link.sendHeaders(headers, isLast);
  }

  /** Sends data; settles when all of it is on its way, or nobody wants it any more. */
  async write(bytes: Uint8Array, isLast: boolean): Promise<void> {
    if (this.#isOver) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#waiting.push({ bytes, isLast, sent: resolve });
    this.#link.pump();
    await promise;
  }

  /** Ends what this side sends, behind all data. */
  end(trailers?: readonly Header[]): void {
    if (this.#isOver) return;
    this.#waiting.push(
      trailers === undefined ? { bytes: NO_BYTES, isLast: true, sent: () => undefined } : { trailers },
    );
    this.#link.pump();
  }

  /** Lets the other side send that many bytes more. */
  credit(bytes: number): void {
    this.#credit += bytes;
    if (this.#credit < CREDIT_BYTES || this.#isOver || this.#hasReceivedAll) return;
    this.#receiveWindow += this.#credit;
    this.#link.credit(this.#credit);
    this.#credit = 0;
  }

  /** Breaks off: the other side is told, and this one hears nothing more. */
  cancel(code: number = CODE.cancel): void {
    if (this.#isOver) return;
    this.finish();
    this.#link.reset(code);
  }

  /** For the connection: sends the next part, at most `limit` bytes of data; undefined when there is none, or no room. */
  take(limit: number): { readonly bytes: Uint8Array; readonly isLast: boolean } | readonly Header[] | undefined {
    const [first] = this.#waiting;
    if (first === undefined) return undefined;
    if ("trailers" in first) {
      this.#waiting.shift();
      return first.trailers;
    }
    const room = Math.min(limit, this.#sendWindow);
    if (room <= 0 && first.bytes.length > 0) return undefined;
    const bytes = first.bytes.subarray(0, room);
    this.#sendWindow -= bytes.length;
    if (bytes.length < first.bytes.length) {
      this.#waiting[0] = { ...first, bytes: first.bytes.subarray(bytes.length) };
      return { bytes, isLast: false };
    }
    this.#waiting.shift();
    first.sent();
    return { bytes, isLast: first.isLast };
  }

  /** For the connection: the other side takes so much more. @throws {Http2Error} */
  widen(bytes: number): void {
    this.#sendWindow = widened(this.#sendWindow, bytes);
  }

  receiveHeaders(headers: readonly Header[], isLast: boolean): void {
    if (this.#isOver || this.#hasReceivedAll) return;
    this.#hasReceivedAll = isLast;
    this.#receiver?.headers(headers, isLast);
  }

  /** Data of a frame that has `padding` bytes more. @throws {Http2Error} */
  receive(bytes: Uint8Array, padding: number, isLast: boolean): void {
    if (this.#isOver || this.#hasReceivedAll) return;
    this.#receiveWindow -= bytes.length + padding;
    if (this.#receiveWindow < 0) throw new Http2Error("more data than was asked for", CODE.flowControlError);
    this.#hasReceivedAll = isLast;
    if (padding > 0) this.credit(padding);
    this.#receiver?.data(bytes, isLast);
  }

  fail(error: ContainerError): void {
    this.finish();
    this.#receiver?.failed(error);
  }

  /** For the connection: nothing is sent any more. */
  finish(): void {
    this.#isOver = true;
    for (const part of this.#waiting) if ("sent" in part) part.sent();
    this.#waiting = [];
  }
}

/** RFC 9113 § 6.9.1. @throws {Http2Error} */
export function widened(window: number, bytes: number): number {
  if (window + bytes > MAX_WINDOW_BYTES) throw new Http2Error("a window is too large", CODE.flowControlError);
  return window + bytes;
}
