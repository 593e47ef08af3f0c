import { ContainerError } from "../../errors.ts";
import type { Receiver, Transport } from "../transport.ts";
import { CODE, Http2Error } from "./error.ts";
import {
  contentOf,
  DEFAULT_FRAME_BYTES,
  decodeSettings,
  encodeFrame,
  encodeFrameHeader,
  encodeGoaway,
  encodeNumberFrame,
  encodeSettings,
  FLAG,
  FRAME,
  type Frame,
  FrameReader,
  MAX_WINDOW_BYTES,
  PREFACE,
  readNumber,
  SETTING,
} from "./frame.ts";
import { encodeHeaders, type Header, HeaderDecoder } from "./hpack.ts";
import { Http2Stream, type StreamReceiver, widened } from "./stream.ts";

/** What the other side may send on a stream, and on all of them, before this side has said that it wants more. */
const STREAM_WINDOW_BYTES = 4 << 20;
const CONNECTION_WINDOW_BYTES = 64 << 20;
/** RFC 9113 § 6.9.2 */
const DEFAULT_WINDOW_BYTES = 65_535;
/** Of one list of headers, and in how many frames it may come: empty ones count, too. */
const MAX_HEADER_BLOCK_BYTES = 1 << 18;
const MAX_HEADER_FRAMES = 64;
/** Requests of one client that are not answered yet; most of them wait for the end of a task. */
const MAX_STREAMS = 16_384;
/** Data that is handed to the socket before the kernel has taken what went before. */
const MAX_UNSENT_BYTES = 1 << 20;
const NO_BYTES = new Uint8Array(0);

/** Takes a request of a client, and says who is told of what follows. */
export type Accept = (stream: Http2Stream) => StreamReceiver;

/** RFC 9113: one side of a connection; the server's, when requests are accepted. */
export class Http2Connection implements Receiver {
  readonly #transport: Transport;
  readonly #accept: Accept | undefined;
  /** Who is at the other end. */
  readonly #peer: string;
  readonly #reader: FrameReader;
  readonly #decoder = new HeaderDecoder();
  readonly #streams = new Map<number, Http2Stream>();
  /** Those that have something to send for which there was no room. */
  readonly #stalled = new Set<number>();
  readonly #outbox: Uint8Array[] = [];
  #outboxBytes = 0;
  /** The highest id of a stream that has been opened. */
  #lastStreamId: number;
  #sendWindow = DEFAULT_WINDOW_BYTES;
  #initialWindow = DEFAULT_WINDOW_BYTES;
  #maxFrameBytes = DEFAULT_FRAME_BYTES;
  /** Received on the connection, and not yet given back to the other side's window. */
  #received = 0;
  /** HEADERS that CONTINUATION goes on with. */
  #unfinished: { readonly frame: Frame; readonly parts: Uint8Array[] } | undefined;
  /** Why no request is taken any more. */
  #end: ContainerError | undefined;
  #isClosed = false;

  constructor(transport: Transport, accept?: Accept) {
    this.#transport = transport;
    this.#accept = accept;
    const isServer = accept !== undefined;
    this.#peer = isServer ? "client" : "server";
    this.#reader = new FrameReader(isServer ? PREFACE : NO_BYTES);
    this.#lastStreamId = isServer ? 0 : -1;
    if (!isServer) this.#send(PREFACE);
    this.#send(
      encodeSettings([
        isServer ? [SETTING.maxConcurrentStreams, MAX_STREAMS] : [SETTING.enablePush, 0],
        [SETTING.initialWindowSize, STREAM_WINDOW_BYTES],
        [SETTING.maxHeaderListSize, MAX_HEADER_BLOCK_BYTES],
      ]),
    );
    this.#send(encodeNumberFrame(FRAME.windowUpdate, 0, CONNECTION_WINDOW_BYTES - DEFAULT_WINDOW_BYTES));
  }

  /** Begins a request. @throws {ContainerError} unavailable when the connection has ended */
  open(headers: readonly Header[], receiver: StreamReceiver): Http2Stream {
    if (this.#end !== undefined) throw this.#end;
    this.#lastStreamId += 2;
    const stream = this.#addStream(this.#lastStreamId);
    stream.attach(receiver);
    stream.respond(headers, false);
    return stream;
  }

  receive(chunk: Uint8Array): void {
    if (this.#isClosed) return;
    try {
      for (const frame of this.#reader.push(chunk)) this.#handle(frame);
    } catch (error) {
      if (!(error instanceof Http2Error)) throw error;
      this.#send(encodeGoaway(Math.max(0, this.#lastStreamId), error));
      this.#fail(new ContainerError("unavailable", `the ${this.#peer} does not speak HTTP/2: ${error.message}`));
      this.#flush();
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

  /** For a server that is about to end: it takes no more requests, and answers those it has. */
  goAway(): void {
    if (this.#end !== undefined) return;
    this.#end = new ContainerError("unavailable", "the server is about to end");
    this.#send(encodeGoaway(this.#lastStreamId, { code: CODE.noError, message: "" }));
  }

  drained(): void {
    this.#pumpStalled();
  }

  #addStream(id: number): Http2Stream {
    const stream = new Http2Stream({
      sendWindow: this.#initialWindow,
      receiveWindow: STREAM_WINDOW_BYTES,
      sendHeaders: (headers, isLast) => this.#sendHeaders(id, stream, headers, isLast),
      pump: () => this.#pump(id, stream),
      credit: (bytes) => this.#send(encodeNumberFrame(FRAME.windowUpdate, id, bytes)),
      reset: (code) => {
        if (this.#forget(id)) this.#send(encodeNumberFrame(FRAME.rstStream, id, code));
      },
    });
    this.#streams.set(id, stream);
    return stream;
  }

  #forget(id: number): boolean {
    this.#stalled.delete(id);
    return this.#streams.delete(id);
  }

  #fail(error: ContainerError): void {
    this.#isClosed = true;
    this.#end ??= error;
    for (const [id, stream] of this.#streams) {
      this.#forget(id);
      stream.fail(error);
    }
  }

  /** What is sent in one go of the event loop is one write. */
  #send(...parts: readonly Uint8Array[]): void {
    if (this.#isClosed) return;
    if (this.#outbox.length === 0) queueMicrotask(() => this.#flush());
    for (const part of parts) {
      this.#outbox.push(part);
      this.#outboxBytes += part.length;
    }
  }

  #flush(): void {
    const [first] = this.#outbox;
    if (first === undefined) return;
    const all = this.#outbox.length === 1 ? first : Buffer.concat(this.#outbox, this.#outboxBytes);
    this.#outbox.length = 0;
    this.#outboxBytes = 0;
    this.#transport.write(all);
    // When the kernel has taken all of it there is nothing to be told of later.
    if (this.#hasRoom()) this.#pumpStalled();
  }

  #hasRoom(): boolean {
    return this.#outboxBytes + this.#transport.queuedBytes < MAX_UNSENT_BYTES;
  }

  #sendHeaders(id: number, stream: Http2Stream, headers: readonly Header[], isLast: boolean): void {
    const block = encodeHeaders(headers);
    for (let at = 0; at === 0 || at < block.length; at += DEFAULT_FRAME_BYTES) {
      const payload = block.subarray(at, at + DEFAULT_FRAME_BYTES);
      const type = at === 0 ? FRAME.headers : FRAME.continuation;
      const isEnd = at + DEFAULT_FRAME_BYTES >= block.length;
      const flags = (isEnd ? FLAG.endHeaders : 0) + (at === 0 && isLast ? FLAG.endStream : 0);
      this.#send(encodeFrame({ type, flags, streamId: id, payload }));
    }
    if (isLast) this.#hasSentAll(id, stream);
  }

  /** With its answer a stream is over. A client that has not sent all of its request is told that nobody reads it. */
  #hasSentAll(id: number, stream: Http2Stream): void {
    if (this.#accept === undefined) return;
    this.#forget(id);
    stream.finish();
    if (!stream.hasReceivedAll) this.#send(encodeNumberFrame(FRAME.rstStream, id, CODE.noError));
  }

  /** Sends of a stream what the windows let through. */
  #pump(id: number, stream: Http2Stream): void {
    while (this.#pumpOnce(id, stream));
  }

  /** Sends one frame; false when there is none to send, or no room. */
  #pumpOnce(id: number, stream: Http2Stream): boolean {
    if (!this.#hasRoom()) {
      this.#stalled.add(id);
      return false;
    }
    const part = stream.take(Math.min(this.#sendWindow, this.#maxFrameBytes));
    if (part === undefined) {
      if (stream.isWaiting) this.#stalled.add(id);
      else this.#stalled.delete(id);
      return false;
    }
    if (!("bytes" in part)) {
      this.#sendHeaders(id, stream, part, true);
      return false;
    }
    const { bytes, isLast } = part;
    this.#sendWindow -= bytes.length;
    const flags = isLast ? FLAG.endStream : 0;
    this.#send(encodeFrameHeader(bytes.length, { type: FRAME.data, flags, streamId: id }), bytes);
    if (isLast) this.#hasSentAll(id, stream);
    return !isLast;
  }

  /** One frame of each in turn: a long answer holds up nobody else's. */
  #pumpStalled(): void {
    for (let isMoving = this.#stalled.size > 0; isMoving; ) {
      isMoving = false;
      for (const id of [...this.#stalled]) {
        const stream = this.#streams.get(id);
        if (stream !== undefined && this.#pumpOnce(id, stream)) isMoving = true;
      }
    }
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
      case FRAME.pushPromise:
        throw new Http2Error("a push that nobody has asked for");
      case FRAME.ping:
        this.#handlePing(frame);
        return;
      case FRAME.goaway:
        this.#handleGoaway(frame);
        return;
      case FRAME.windowUpdate:
        this.#handleWindowUpdate(frame);
        return;
      // PRIORITY has no meaning, and other types are to be passed over.
    }
  }

  /** RFC 9113 § 5.1: the stream of a frame; undefined for one that is over. @throws {Http2Error} for one that never was */
  #streamOf({ streamId, type }: Frame): Http2Stream | undefined {
    if (streamId === 0 || streamId % 2 === 0 || streamId > this.#lastStreamId) {
      throw new Http2Error(`a frame of type ${type} for stream ${streamId}, which is not open`);
    }
    return this.#streams.get(streamId);
  }

  #handleData(frame: Frame): void {
    const stream = this.#streamOf(frame);
    this.#received += frame.payload.length;
    if (this.#received > CONNECTION_WINDOW_BYTES / 2) {
      this.#send(encodeNumberFrame(FRAME.windowUpdate, 0, this.#received));
      this.#received = 0;
    }
    const content = contentOf(frame);
    const isLast = (frame.flags & FLAG.endStream) !== 0;
    stream?.receive(content, frame.payload.length - content.length, isLast);
    if (isLast) this.#hasReceivedAll(frame.streamId);
  }

  /** With its answer a stream is over. */
  #hasReceivedAll(id: number): void {
    if (this.#accept !== undefined) return;
    this.#streams.get(id)?.finish();
    this.#forget(id);
  }

  #handleHeaders(frame: Frame, parts: Uint8Array[]): void {
    if ((frame.flags & FLAG.endHeaders) === 0) {
      this.#unfinished = { frame, parts };
      return;
    }
    // Headers of streams that are over change the decoder's table, too.
    const headers = this.#decoder.decode(parts.length === 1 ? (parts[0] ?? NO_BYTES) : Buffer.concat(parts));
    const isLast = (frame.flags & FLAG.endStream) !== 0;
    const isNew = this.#accept !== undefined && frame.streamId > this.#lastStreamId;
    const stream = isNew ? this.#acceptStream(frame.streamId, this.#accept) : this.#streamOf(frame);
    stream?.receiveHeaders(headers, isLast);
    if (isLast) this.#hasReceivedAll(frame.streamId);
  }

  #acceptStream(id: number, accept: Accept): Http2Stream | undefined {
    if (id % 2 === 0) throw new Http2Error(`a client opens stream ${id}`);
    this.#lastStreamId = id;
    if (this.#end !== undefined || this.#streams.size >= MAX_STREAMS) {
      this.#send(encodeNumberFrame(FRAME.rstStream, id, CODE.refusedStream));
      return undefined;
    }
    const stream = this.#addStream(id);
    stream.attach(accept(stream));
    return stream;
  }

  #handleContinuation({ flags, payload, streamId }: Frame): void {
    const unfinished = this.#unfinished;
    if (unfinished?.frame.streamId !== streamId) throw new Http2Error("a continuation of nothing");
    const { frame, parts } = unfinished;
    this.#unfinished = undefined;
    parts.push(payload);
    const size = parts.reduce((sum, part) => sum + part.length, 0);
    if (size > MAX_HEADER_BLOCK_BYTES || parts.length > MAX_HEADER_FRAMES) {
      throw new Http2Error("the headers are too long", CODE.enhanceYourCalm);
    }
    this.#handleHeaders({ ...frame, flags: frame.flags | (flags & FLAG.endHeaders) }, parts);
  }

  #handleReset(frame: Frame): void {
    const stream = this.#streamOf(frame);
    this.#forget(frame.streamId);
    const code = readNumber(frame.payload);
    stream?.fail(new ContainerError("unavailable", `the ${this.#peer} has broken the call off (code ${code})`));
  }

  #handleSettings(frame: Frame): void {
    if (frame.streamId !== 0) throw new Http2Error("settings of a stream");
    if ((frame.flags & FLAG.ack) !== 0) return;
    for (const [id, value] of decodeSettings(frame)) {
      if (id === SETTING.maxFrameSize) this.#maxFrameBytes = Math.max(DEFAULT_FRAME_BYTES, value);
      if (id === SETTING.initialWindowSize) this.#changeInitialWindow(value);
    }
    this.#send(encodeFrame({ type: FRAME.settings, flags: FLAG.ack, streamId: 0, payload: NO_BYTES }));
    this.#pumpStalled();
  }

  /** RFC 9113 § 6.9.2: the windows of all streams that are open move by the difference. */
  #changeInitialWindow(bytes: number): void {
    if (bytes > MAX_WINDOW_BYTES) throw new Http2Error("a window is too large", CODE.flowControlError);
    for (const stream of this.#streams.values()) stream.widen(bytes - this.#initialWindow);
    this.#initialWindow = bytes;
  }

  #handlePing(frame: Frame): void {
    if (frame.payload.length !== 8) throw new Http2Error("a ping of a wrong length", CODE.frameSizeError);
    if ((frame.flags & FLAG.ack) === 0) this.#send(encodeFrame({ ...frame, flags: FLAG.ack }));
  }

  /** A client that goes away still waits for its answers. */
  #handleGoaway({ payload }: Frame): void {
    const last = readNumber(payload);
    if (this.#accept !== undefined) return;
    this.#end ??= new ContainerError("unavailable", "the server is about to end");
    for (const [id, stream] of this.#streams) {
      if (id <= last) continue;
      this.#forget(id);
      stream.fail(this.#end);
    }
  }

  #handleWindowUpdate(frame: Frame): void {
    const bytes = readNumber(frame.payload);
    if (bytes === 0) throw new Http2Error("a window that does not grow");
    if (frame.streamId === 0) {
      this.#sendWindow = widened(this.#sendWindow, bytes);
      this.#pumpStalled();
      return;
    }
    const stream = this.#streamOf(frame);
    if (stream === undefined) return;
    stream.widen(bytes);
    this.#pump(frame.streamId, stream);
  }
}
