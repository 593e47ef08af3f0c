import { ContainerError } from "../../errors.ts";
import type { Receiver, Transport } from "../transport.ts";
import { Http2Error } from "./error.ts";
import {
  contentOf,
  DEFAULT_FRAME_BYTES,
  decodeSettings,
  encodeFrame,
  encodeNumberFrame,
  encodeSettings,
  FLAG,
  FRAME,
  type Frame,
  FrameReader,
  PREFACE,
  readNumber,
  SETTING,
} from "./frame.ts";
import { encodeHeaders, type Header, HeaderDecoder } from "./hpack.ts";
import { Http2Stream, type StreamReceiver } from "./stream.ts";

/** What the other side may send on a stream, and on all of them, before this side has said that it wants more. */
const STREAM_WINDOW_BYTES = 4 << 20;
const CONNECTION_WINDOW_BYTES = 64 << 20;
/** RFC 9113 § 6.9.2 */
const DEFAULT_WINDOW_BYTES = 65_535;
const MAX_HEADER_BLOCK_BYTES = 1 << 18;
const NO_BYTES = new Uint8Array(0);

/** RFC 9113: the client's side of a connection, for a server that is trusted to keep to it. */
export class Http2Connection implements Receiver {
  readonly #transport: Transport;
  readonly #reader = new FrameReader();
  readonly #decoder = new HeaderDecoder();
  readonly #streams = new Map<number, Http2Stream>();
  readonly #outbox: Uint8Array[] = [];
  #nextStreamId = 1;
  #sendWindow = DEFAULT_WINDOW_BYTES;
  #initialWindow = DEFAULT_WINDOW_BYTES;
  #maxFrameBytes = DEFAULT_FRAME_BYTES;
  /** Received on the connection, and not yet given back to the other side's window. */
  #received = 0;
  /** HEADERS that CONTINUATION goes on with. */
  #unfinished: { readonly frame: Frame; readonly parts: Uint8Array[] } | undefined;
  #end: ContainerError | undefined;

  constructor(transport: Transport) {
    this.#transport = transport;
    this.#send(PREFACE);
    this.#send(
      encodeSettings([
        [SETTING.enablePush, 0],
        [SETTING.initialWindowSize, STREAM_WINDOW_BYTES],
      ]),
    );
    this.#send(encodeNumberFrame(FRAME.windowUpdate, 0, CONNECTION_WINDOW_BYTES - DEFAULT_WINDOW_BYTES));
  }

  /** Begins a request. @throws {ContainerError} unavailable when the connection has ended */
  open(headers: readonly Header[], receiver: StreamReceiver): Http2Stream {
    if (this.#end !== undefined) throw this.#end;
    const id = this.#nextStreamId;
    this.#nextStreamId += 2;
    const stream = new Http2Stream(receiver, {
      window: this.#initialWindow,
      pump: () => this.#pump(id, stream),
      credit: (bytes) => this.#send(encodeNumberFrame(FRAME.windowUpdate, id, bytes)),
      reset: (code) => {
        if (this.#streams.delete(id)) this.#send(encodeNumberFrame(FRAME.rstStream, id, code));
      },
    });
    this.#streams.set(id, stream);
    const payload = encodeHeaders(headers);
    if (payload.length > DEFAULT_FRAME_BYTES) throw new ContainerError("invalid_argument", "the headers are too long");
    this.#send(encodeFrame({ type: FRAME.headers, flags: FLAG.endHeaders, streamId: id, payload }));
    return stream;
  }

  receive(chunk: Uint8Array): void {
    try {
      for (const frame of this.#reader.push(chunk)) this.#handle(frame);
    } catch (error) {
      if (!(error instanceof Http2Error)) throw error;
      this.#fail(new ContainerError("unavailable", `the server does not speak HTTP/2: ${error.message}`));
      this.#transport.close();
    }
  }

  closed(): void {
    this.#fail(new ContainerError("unavailable", "the connection was closed"));
  }

  close(): void {
    this.closed();
    this.#transport.close();
  }

  #fail(error: ContainerError): void {
    this.#end ??= error;
    for (const [id, stream] of this.#streams) {
      this.#streams.delete(id);
      stream.fail(this.#end);
    }
  }

  /** What is sent in one go of the event loop is one write. */
  #send(bytes: Uint8Array): void {
    this.#outbox.push(bytes);
    if (this.#outbox.length > 1) return;
    queueMicrotask(() => this.#flush());
  }

  #flush(): void {
    const [first] = this.#outbox;
    if (first === undefined) return;
    const all = this.#outbox.length === 1 ? first : Buffer.concat(this.#outbox);
    this.#outbox.length = 0;
    this.#transport.write(all);
  }

  /** Sends of a stream's data what the windows let through. */
  #pump(id: number, stream: Http2Stream): void {
    for (;;) {
      const part = stream.take(Math.min(this.#sendWindow, this.#maxFrameBytes));
      if (part === undefined) return;
      this.#sendWindow -= part.bytes.length;
      const flags = part.isLast ? FLAG.endStream : 0;
      this.#send(encodeFrame({ type: FRAME.data, flags, streamId: id, payload: part.bytes }));
    }
  }

  #pumpAll(): void {
    for (const [id, stream] of this.#streams) this.#pump(id, stream);
  }

  #handle(frame: Frame): void {
    if (this.#unfinished !== undefined && frame.type !== FRAME.continuation) {
      throw new Http2Error("a header block is cut off");
    }
    switch (frame.type) {
      case FRAME.data:
        this.#handleData(frame);
        return;
      case FRAME.headers:
        this.#handleHeaders(frame, [contentOf(frame)]);
        return;
      case FRAME.continuation:
        this.#handleContinuation(frame);
        return;
      case FRAME.rstStream:
        this.#handleReset(frame);
        return;
      case FRAME.settings:
        this.#handleSettings(frame);
        return;
      case FRAME.ping:
        if ((frame.flags & FLAG.ack) === 0) this.#send(encodeFrame({ ...frame, flags: FLAG.ack }));
        return;
      case FRAME.goaway:
        this.#handleGoaway(frame);
        return;
      case FRAME.windowUpdate:
        this.#handleWindowUpdate(frame);
        return;
      // PRIORITY has no meaning, PUSH_PROMISE was turned off, and other types are to be passed over.
    }
  }

  #handleData(frame: Frame): void {
    this.#received += frame.payload.length;
    if (this.#received > CONNECTION_WINDOW_BYTES / 2) {
      this.#send(encodeNumberFrame(FRAME.windowUpdate, 0, this.#received));
      this.#received = 0;
    }
    const isLast = (frame.flags & FLAG.endStream) !== 0;
    const stream = this.#streams.get(frame.streamId);
    if (isLast) this.#streams.delete(frame.streamId);
    stream?.receive(contentOf(frame), isLast);
  }

  #handleHeaders(frame: Frame, parts: Uint8Array[]): void {
    if ((frame.flags & FLAG.endHeaders) === 0) {
      this.#unfinished = { frame, parts };
      return;
    }
    const headers = this.#decoder.decode(parts.length === 1 ? (parts[0] ?? NO_BYTES) : Buffer.concat(parts));
    const isLast = (frame.flags & FLAG.endStream) !== 0;
    const stream = this.#streams.get(frame.streamId);
    if (isLast) this.#streams.delete(frame.streamId);
    stream?.receiveHeaders(headers, isLast);
  }

  #handleContinuation({ flags, payload }: Frame): void {
    if (this.#unfinished === undefined) throw new Http2Error("a continuation of nothing");
    const { frame, parts } = this.#unfinished;
    this.#unfinished = undefined;
    parts.push(payload);
    if (parts.reduce((sum, part) => sum + part.length, 0) > MAX_HEADER_BLOCK_BYTES) {
      throw new Http2Error("the headers are too long");
    }
    this.#handleHeaders({ ...frame, flags: frame.flags | (flags & FLAG.endHeaders) }, parts);
  }

  #handleReset({ streamId, payload }: Frame): void {
    const stream = this.#streams.get(streamId);
    this.#streams.delete(streamId);
    stream?.fail(new ContainerError("unavailable", `the server has broken the call off (code ${readNumber(payload)})`));
  }

  #handleSettings(frame: Frame): void {
    if ((frame.flags & FLAG.ack) !== 0) return;
    for (const [id, value] of decodeSettings(frame)) {
      if (id === SETTING.maxFrameSize) this.#maxFrameBytes = value;
      if (id === SETTING.initialWindowSize) {
        for (const stream of this.#streams.values()) stream.widen(value - this.#initialWindow);
        this.#initialWindow = value;
      }
    }
    this.#send(encodeFrame({ type: FRAME.settings, flags: FLAG.ack, streamId: 0, payload: NO_BYTES }));
    this.#pumpAll();
  }

  #handleGoaway({ payload }: Frame): void {
    const last = readNumber(payload);
    this.#end ??= new ContainerError("unavailable", "the server is about to end");
    for (const [id, stream] of this.#streams) {
      if (id <= last) continue;
      this.#streams.delete(id);
      stream.fail(this.#end);
    }
  }

  #handleWindowUpdate({ streamId, payload }: Frame): void {
    const bytes = readNumber(payload);
    if (streamId === 0) {
      this.#sendWindow += bytes;
      this.#pumpAll();
      return;
    }
    const stream = this.#streams.get(streamId);
    if (stream === undefined) return;
    stream.widen(bytes);
    this.#pump(streamId, stream);
  }
}
