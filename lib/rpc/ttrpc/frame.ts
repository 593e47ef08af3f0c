/** ttrpc: data length, stream id, type and flags, big endian. */
export const HEADER_BYTES = 10;
/** Longer messages are not for ttrpc; the sender is told so. */
export const MAX_DATA_BYTES = 4 * 2 ** 20;

/** What a frame is. */
export const FRAME = { request: 1, response: 2, data: 3 } as const;
/** Flags of a request, and of data. */
export const FLAG = { remoteClosed: 1, remoteOpen: 2, noData: 4 } as const;

export type FrameType = (typeof FRAME)[keyof typeof FRAME];

/** One message of ttrpc. */
export interface Frame {
  readonly streamId: number;
  readonly type: FrameType;
  readonly flags: number;
  /** undefined when it is longer than MAX_DATA_BYTES: then it was passed over. */
  readonly data: Uint8Array | undefined;
}

/** The bytes of a frame. @throws {TypeError} for data that is too long */
export function encodeFrame(streamId: number, type: FrameType, flags: number, data: Uint8Array): Uint8Array {
  if (data.length > MAX_DATA_BYTES) throw new TypeError(`internal error: a frame of ${data.length} bytes`);
  const bytes = new Uint8Array(HEADER_BYTES + data.length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, data.length);
  view.setUint32(4, streamId);
  view.setUint8(8, type);
  view.setUint8(9, flags);
  bytes.set(data, HEADER_BYTES);
  return bytes;
}

/** The bytes are no ttrpc: where the next frame begins cannot be known. */
export class FrameError extends Error {
  override readonly name = "FrameError";
}

interface Header {
  readonly length: number;
  readonly streamId: number;
  readonly type: FrameType;
  readonly flags: number;
}

/**
 * Cuts a stream of bytes into frames. It holds at most one frame: memory is taken as bytes come, not as a length claims,
 * and what is too long is counted, not kept.
 */
export class FrameReader {
  #chunks: Uint8Array[] = [];
  #bytes = 0;
  #header: Header | undefined;
  /** What is left of data that is passed over. */
  #skip = 0;

  /** Takes what was received, and gives the frames that are complete now. @throws {FrameError} */
  push(chunk: Uint8Array): readonly Frame[] {
    // The caller's buffer is its own again when this returns.
    if (chunk.length > 0) this.#chunks.push(chunk.slice());
    this.#bytes += chunk.length;
    const frames: Frame[] = [];
    for (;;) {
      const frame = this.#next();
      if (frame === undefined) return frames;
      frames.push(frame);
    }
  }

  #next(): Frame | undefined {
    if (this.#header === undefined) {
      if (this.#bytes < HEADER_BYTES) return undefined;
      this.#header = parseHeader(this.#take(HEADER_BYTES));
      if (this.#header.length > MAX_DATA_BYTES) this.#skip = this.#header.length;
    }
    const header = this.#header;
    if (header.length > MAX_DATA_BYTES) {
      this.#skip -= this.#drop(this.#skip);
      if (this.#skip > 0) return undefined;
    } else if (this.#bytes < header.length) return undefined;
    this.#header = undefined;
    const { streamId, type, flags, length } = header;
    return { streamId, type, flags, data: length > MAX_DATA_BYTES ? undefined : this.#take(length) };
  }

  /** The first `count` bytes, which are there. */
  #take(count: number): Uint8Array {
    const taken = new Uint8Array(count);
    for (let at = 0; at < count; ) at += this.#moveTo(taken, at, count - at);
    return taken;
  }

  /** Forgets up to `count` bytes. Returns how many. */
  #drop(count: number): number {
    let dropped = 0;
    while (dropped < count && this.#bytes > 0) dropped += this.#moveTo(undefined, 0, count - dropped);
    return dropped;
  }

  #moveTo(target: Uint8Array | undefined, at: number, limit: number): number {
    const [first = new Uint8Array(0)] = this.#chunks;
    const part = first.subarray(0, limit);
    target?.set(part, at);
    if (part.length === first.length) this.#chunks.shift();
    else this.#chunks[0] = first.subarray(part.length);
    this.#bytes -= part.length;
    return part.length;
  }
}

function parseHeader(bytes: Uint8Array): Header {
  const view = new DataView(bytes.buffer);
  const type = view.getUint8(8);
  if (type !== FRAME.request && type !== FRAME.response && type !== FRAME.data) {
    throw new FrameError(`a frame of the unknown type ${type}`);
  }
  return { length: view.getUint32(0), streamId: view.getUint32(4), type, flags: view.getUint8(9) };
}
