import { decodeSettings, encodeNumberFrame, encodeSettings, FLAG, FRAME, PREFACE, SETTING } from "./frame.ts";

const HEADER_BYTES = 9;
const STREAM_BITS = 0x7fff_ffff;
const DEFAULT_WINDOW = 65_535;

/** RFC 9113 § 4.1, without the payload. */
interface Head {
  readonly length: number;
  readonly type: number;
  readonly flags: number;
  readonly streamId: number;
}

/** Some bytes of a frame: its header, and then its payload as it comes. `head` is missing for what is before all frames. */
interface Piece {
  readonly head: Head | undefined;
  readonly bytes: Uint8Array;
  readonly isLast: boolean;
}

/**
 * RFC 9113 § 6.9.2: a change of the initial window moves the windows of all streams that are open by the difference. The
 * server of Bun 1.4 sets them to the new value instead: what a client has granted before is forgotten, and at last both
 * wait for each other. Clients in Go change it as they measure the connection. So the server is told of the first value
 * alone, and of what follows by WINDOW_UPDATE, which comes to the same.
 */
export class InitialWindow {
  readonly #fromClient = new FrameWalk(PREFACE.length);
  readonly #fromServer = new FrameWalk(0);
  readonly #open = new Set<number>();
  #settings: Uint8Array[] = [];
  /** What the server knows; undefined before the client has said anything. */
  #known: number | undefined;
  #current = DEFAULT_WINDOW;

  /** What a client has sent, as the server is to see it. */
  incoming(chunk: Uint8Array): readonly Uint8Array[] {
    const out: Uint8Array[] = [];
    for (const { head, bytes, isLast } of this.#fromClient.push(chunk)) {
      if (head?.type === FRAME.settings && (head.flags & FLAG.ack) === 0) {
        this.#settings.push(bytes);
        if (isLast) out.push(...this.#changed());
        continue;
      }
      out.push(bytes);
      if (head !== undefined && isLast) out.push(...this.#followed(head));
    }
    return out;
  }

  /** Told of what the server sends. */
  outgoing(chunk: Uint8Array): void {
    for (const { head } of this.#fromServer.push(chunk)) {
      if (head === undefined) continue;
      const isData = head.type === FRAME.data || head.type === FRAME.headers;
      const isEnd = (isData && (head.flags & FLAG.endStream) !== 0) || head.type === FRAME.rstStream;
      if (isEnd) this.#open.delete(head.streamId);
    }
  }

  /** Settings without the window, if it has grown, and the growth. */
  #changed(): readonly Uint8Array[] {
    const frame = Buffer.concat(this.#settings);
    this.#settings = [];
    const payload = frame.subarray(HEADER_BYTES);
    if (payload.length % 6 !== 0) return [frame];
    const settings = decodeSettings({ type: FRAME.settings, flags: 0, streamId: 0, payload });
    const wanted = settings.findLast(([id]) => id === SETTING.initialWindowSize)?.[1] ?? this.#current;
    const growth = wanted - this.#current;
    const isFirst = this.#known === undefined;
    this.#current = wanted;
    if (isFirst || growth < 0) {
      this.#known = wanted;
      return [frame];
    }
    const others = settings.filter(([id]) => id !== SETTING.initialWindowSize);
    const updates = growth === 0 ? [] : [...this.#open].map((id) => encodeNumberFrame(FRAME.windowUpdate, id, growth));
    return [encodeSettings(others), ...updates];
  }

  /** What belongs behind a frame. */
  #followed({ type, flags, streamId }: Head): readonly Uint8Array[] {
    if (type === FRAME.rstStream) this.#open.delete(streamId);
    const isHeader = type === FRAME.headers || type === FRAME.continuation;
    if (!isHeader || (flags & FLAG.endHeaders) === 0 || this.#open.has(streamId)) return [];
    this.#open.add(streamId);
    const growth = this.#current - (this.#known ?? DEFAULT_WINDOW);
    return growth > 0 ? [encodeNumberFrame(FRAME.windowUpdate, streamId, growth)] : [];
  }
}

/** Goes over a stream of frames without keeping more of it than the beginning of a header. */
class FrameWalk {
  /** Bytes that are still to come before the first frame. */
  #before: number;
  #begun: Uint8Array = new Uint8Array();
  #head: Head | undefined;
  #left = 0;

  constructor(before: number) {
    this.#before = before;
  }

  *push(chunk: Uint8Array): Generator<Piece> {
    let bytes: Uint8Array = this.#begun.length === 0 ? chunk : Buffer.concat([this.#begun, chunk]);
    this.#begun = new Uint8Array();
    if (this.#before > 0) {
      const first = bytes.subarray(0, this.#before);
      this.#before -= first.length;
      bytes = bytes.subarray(first.length);
      yield { head: undefined, bytes: first, isLast: false };
    }
    while (bytes.length > 0) {
      if (this.#left > 0) {
        const part = bytes.subarray(0, this.#left);
        this.#left -= part.length;
        bytes = bytes.subarray(part.length);
        yield { head: this.#head, bytes: part, isLast: this.#left === 0 };
      } else if (bytes.length < HEADER_BYTES) {
        this.#begun = bytes.slice();
        return;
      } else {
        this.#head = parseHead(bytes);
        this.#left = this.#head.length;
        const part = bytes.subarray(0, HEADER_BYTES);
        bytes = bytes.subarray(HEADER_BYTES);
        yield { head: this.#head, bytes: part, isLast: this.#left === 0 };
      }
    }
  }
}

function parseHead(bytes: Uint8Array): Head {
  const view = new DataView(bytes.buffer, bytes.byteOffset, HEADER_BYTES);
  const [type, flags] = [view.getUint8(3), view.getUint8(4)];
  return { length: view.getUint32(0) >>> 8, type, flags, streamId: view.getUint32(5) & STREAM_BITS };
}
