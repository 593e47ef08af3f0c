import { CODE, Http2Error } from "./error.ts";

/** RFC 9113 § 6: types of frames. */
export const FRAME = {
  ...{ data: 0, headers: 1, priority: 2, rstStream: 3, settings: 4, pushPromise: 5, ping: 6, goaway: 7 },
  ...{ windowUpdate: 8, continuation: 9 },
} as const;
export const FLAG = { endStream: 1, ack: 1, endHeaders: 4, padded: 8, priority: 32 } as const;
/** RFC 9113 § 6.5.2 */
export const SETTING = {
  ...{ enablePush: 2, maxConcurrentStreams: 3, initialWindowSize: 4, maxFrameSize: 5, maxHeaderListSize: 6 },
} as const;

/** What a client says first. */
export const PREFACE = new TextEncoder().encode("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");

/** RFC 9113 § 4.2: what both sides take when nothing else is said. */
export const DEFAULT_FRAME_BYTES = 16_384;
/** RFC 9113 § 6.9.1 */
export const MAX_WINDOW_BYTES = 2 ** 31 - 1;
const HEADER_BYTES = 9;
const STREAM_BITS = 0x7fff_ffff;

/** One frame. */
export interface Frame {
  readonly type: number;
  readonly flags: number;
  readonly streamId: number;
  readonly payload: Uint8Array;
}

/** RFC 9113 § 4.1 */
export function encodeFrame(frame: Frame): Uint8Array {
  const bytes = new Uint8Array(HEADER_BYTES + frame.payload.length);
  writeHeader(bytes, frame.payload.length, frame);
  bytes.set(frame.payload, HEADER_BYTES);
  return bytes;
}

/** What comes before a payload of so many bytes. */
export function encodeFrameHeader(length: number, head: Omit<Frame, "payload">): Uint8Array {
  const bytes = new Uint8Array(HEADER_BYTES);
  writeHeader(bytes, length, head);
  return bytes;
}

function writeHeader(bytes: Uint8Array, length: number, { type, flags, streamId }: Omit<Frame, "payload">): void {
  const view = viewOf(bytes);
  view.setUint32(0, length * 256 + type);
  view.setUint8(4, flags);
  view.setUint32(5, streamId);
}

/** GOAWAY: why a connection ends, and up to which stream requests are answered. */
export function encodeGoaway(lastStreamId: number, { code, message }: { code: number; message: string }): Uint8Array {
  const text = new TextEncoder().encode(message);
  const payload = new Uint8Array(8 + text.length);
  const view = viewOf(payload);
  view.setUint32(0, lastStreamId);
  view.setUint32(4, code);
  payload.set(text, 8);
  return encodeFrame({ type: FRAME.goaway, flags: 0, streamId: 0, payload });
}

/** Of a frame whose payload is one number: WINDOW_UPDATE and RST_STREAM. */
export function encodeNumberFrame(type: number, streamId: number, value: number): Uint8Array {
  const payload = new Uint8Array(4);
  new DataView(payload.buffer).setUint32(0, value);
  return encodeFrame({ type, flags: 0, streamId, payload });
}

/** SETTINGS. */
export function encodeSettings(settings: readonly (readonly [id: number, value: number])[]): Uint8Array {
  const payload = new Uint8Array(settings.length * 6);
  const view = new DataView(payload.buffer);
  settings.forEach(([id, value], index) => {
    view.setUint16(index * 6, id);
    view.setUint32(index * 6 + 2, value);
  });
  return encodeFrame({ type: FRAME.settings, flags: 0, streamId: 0, payload });
}

/** What SETTINGS say. @throws {Http2Error} */
export function decodeSettings({ payload }: Frame): readonly (readonly [id: number, value: number])[] {
  if (payload.length % 6 !== 0) throw new Http2Error("settings of a wrong length", CODE.frameSizeError);
  const view = viewOf(payload);
  return Array.from({ length: payload.length / 6 }, (_, index) => [
    view.getUint16(index * 6),
    view.getUint32(index * 6 + 2),
  ]);
}

/** The number that a payload begins with. @throws {Http2Error} */
export function readNumber(payload: Uint8Array): number {
  if (payload.length < 4) throw new Http2Error("a frame is too short", CODE.frameSizeError);
  return viewOf(payload).getUint32(0) & STREAM_BITS;
}

/** What is between the padding, and behind the priority, of DATA and HEADERS. @throws {Http2Error} */
export function contentOf({ type, flags, payload }: Frame): Uint8Array {
  const isPadded = (flags & FLAG.padded) !== 0;
  const padding = isPadded ? (payload[0] ?? 0) : 0;
  const begin = (isPadded ? 1 : 0) + (type === FRAME.headers && (flags & FLAG.priority) !== 0 ? 5 : 0);
  if (begin + padding > payload.length) throw new Http2Error("a frame is all padding");
  return payload.subarray(begin, payload.length - padding);
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** Cuts a stream of bytes into frames. It holds one frame at most that is not complete. */
export class FrameReader {
  #rest: Uint8Array = new Uint8Array(0);
  /** What has to come before the first frame. */
  #preface: Uint8Array;

  constructor(preface: Uint8Array) {
    this.#preface = preface;
  }

  /** Takes what was received, and gives the frames that are complete now. @throws {Http2Error} */
  *push(chunk: Uint8Array): Generator<Frame> {
    // The caller's buffer is its own again when this returns.
    let bytes: Uint8Array = this.#rest.length === 0 ? new Uint8Array(chunk) : Buffer.concat([this.#rest, chunk]);
    bytes = this.#skipPreface(bytes);
    for (;;) {
      const frame = parseFrame(bytes);
      if (frame === undefined) break;
      bytes = bytes.subarray(HEADER_BYTES + frame.payload.length);
      yield frame;
    }
    this.#rest = bytes;
  }

  #skipPreface(bytes: Uint8Array): Uint8Array {
    const length = Math.min(bytes.length, this.#preface.length);
    for (let at = 0; at < length; at++) {
      if (bytes[at] !== this.#preface[at]) throw new Http2Error("the connection does not begin with the preface");
    }
    this.#preface = this.#preface.subarray(length);
    return bytes.subarray(length);
  }
}

function parseFrame(bytes: Uint8Array): Frame | undefined {
  if (bytes.length < HEADER_BYTES) return undefined;
  const view = viewOf(bytes);
  const length = view.getUint32(0) >>> 8;
  if (length > DEFAULT_FRAME_BYTES) throw new Http2Error(`a frame of ${length} bytes`, CODE.frameSizeError);
  if (bytes.length < HEADER_BYTES + length) return undefined;
  return {
    type: view.getUint8(3),
    flags: view.getUint8(4),
    streamId: view.getUint32(5) & STREAM_BITS,
    payload: bytes.subarray(HEADER_BYTES, HEADER_BYTES + length),
  };
}
