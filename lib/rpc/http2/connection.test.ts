import { expect } from "chai";
import fc from "fast-check";
import { Http2Connection } from "./connection.ts";
import { CODE } from "./error.ts";
import {
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
import { encodeHeaders } from "./hpack.ts";
import type { Http2Stream } from "./stream.ts";

const NO_BYTES = new Uint8Array(0);
const OPEN = FLAG.endHeaders;
const WHOLE = FLAG.endHeaders + FLAG.endStream;
const block = encodeHeaders([[":path", "/"]]);

const headers = (streamId: number, flags: number, payload = block) =>
  encodeFrame({ type: FRAME.headers, flags, streamId, payload });
const continuation = (streamId: number, flags: number, payload: Uint8Array) =>
  encodeFrame({ type: FRAME.continuation, flags, streamId, payload });
const data = (streamId: number, bytes: number, flags = 0) =>
  encodeFrame({ type: FRAME.data, flags, streamId, payload: new Uint8Array(bytes) });
const update = (streamId: number, bytes: number) => encodeNumberFrame(FRAME.windowUpdate, streamId, bytes);
const window = (bytes: number) => encodeSettings([[SETTING.initialWindowSize, bytes]]);
const control = (type: number, bytes: number, streamId = 0) =>
  encodeFrame({ type, flags: 0, streamId, payload: new Uint8Array(bytes) });

/** A server, and what a client sends it and hears of it by hand. */
class Peer {
  readonly frames: Frame[] = [];
  readonly streams: Http2Stream[] = [];
  /** What the streams are told. */
  readonly told: string[] = [];
  queuedBytes = 0;
  isClosed = false;
  readonly connection: Http2Connection;
  readonly #reader = new FrameReader(NO_BYTES);

  constructor(onData: (stream: Http2Stream, bytes: Uint8Array) => void = () => undefined) {
    const peer = this;
    const transport = {
      get queuedBytes() {
        return peer.queuedBytes;
      },
      write: (bytes: Uint8Array) => void peer.frames.push(...peer.#reader.push(bytes)),
      close: () => {
        peer.isClosed = true;
      },
    };
    this.connection = new Http2Connection(transport, (stream) => {
      this.streams.push(stream);
      return {
        headers: (list, isLast) => this.told.push(`headers ${list.length}${isLast ? ", the last" : ""}`),
        data: (bytes, isLast) => {
          this.told.push(`data ${bytes.length}${isLast ? ", the last" : ""}`);
          onData(stream, bytes);
        },
        failed: ({ message }) => this.told.push(message),
      };
    });
  }

  /** Sends, and waits until all that follows of it has come. */
  async send(...parts: readonly Uint8Array[]): Promise<void> {
    this.connection.receive(Buffer.concat(parts));
    await Bun.sleep(0);
  }

  /** What was sent of a type since the last question. */
  take(type: number): readonly Frame[] {
    const taken = this.frames.filter((frame) => frame.type === type);
    this.frames.splice(0, this.frames.length, ...this.frames.filter((frame) => frame.type !== type));
    return taken;
  }

  /** Of the data that were sent: the bytes for a stream. */
  takeBytes(streamId: number): number {
    const mine = this.frames.filter((frame) => frame.type === FRAME.data && frame.streamId === streamId);
    this.frames.splice(0, this.frames.length, ...this.frames.filter((frame) => !mine.includes(frame)));
    return mine.reduce((sum, { payload }) => sum + payload.length, 0);
  }

  /** The code of a GOAWAY; undefined when there is none. */
  takeGoaway(): number | undefined {
    const payload = this.take(FRAME.goaway)[0]?.payload;
    return payload === undefined ? undefined : readNumber(payload.subarray(4));
  }
}

describe("Http2Connection of a server", () => {
  it("sends as much as a client has granted, however it has", async () => {
    const peer = new Peer();
    await peer.send(PREFACE, encodeSettings([]), headers(1, WHOLE));
    void peer.streams[0]?.write(new Uint8Array(300_000), true);
    const steps: readonly (readonly [grant: readonly Uint8Array[], bytes: number])[] = [
      [[], 65_535],
      [[update(0, 1_000_000), update(1, 30_000)], 30_000],
      [[window(100_000)], 34_465],
      [[window(150_000), update(1, 5_000)], 55_000],
      [[window(0), update(1, 150_000)], 0],
      [[update(1, 200_000)], 115_000],
    ];
    for (const [grant, bytes] of steps) {
      await peer.send(...grant);
      expect(peer.takeBytes(1)).to.equal(bytes);
    }
  });

  it("shares the connection's window among its streams", async () => {
    const peer = new Peer();
    await peer.send(PREFACE, window(1_000_000), headers(1, WHOLE), headers(3, WHOLE), update(0, 34_465));
    for (const stream of peer.streams) void stream.write(new Uint8Array(500_000), true);
    await peer.send();
    expect(peer.takeBytes(1)).to.equal(100_000);
    await peer.send(update(0, 200_000));
    expect(peer.takeBytes(1)).to.be.within(98_304, 114_688);
    expect(peer.takeBytes(3)).to.be.within(81_920, 98_304);
  });

  it("hands the socket no more than it can send", async () => {
    const peer = new Peer();
    await peer.send(PREFACE, window(1_000_000), update(0, 1_000_000), headers(1, WHOLE));
    peer.queuedBytes = 2 ** 20;
    void peer.streams[0]?.write(new Uint8Array(500_000), true);
    await peer.send();
    expect(peer.takeBytes(1)).to.equal(0);
    peer.queuedBytes = 0;
    peer.connection.drained();
    await peer.send();
    expect(peer.takeBytes(1)).to.equal(500_000);
  });

  it("asks for more when its data has been read, and gives padding back at once", async () => {
    const peer = new Peer((stream, bytes) => stream.credit(bytes.length));
    const padded = encodeFrame({
      ...{ type: FRAME.data, flags: FLAG.padded, streamId: 1 },
      payload: Uint8Array.of(200, ...new Uint8Array(300)),
    });
    await peer.send(PREFACE, headers(1, OPEN), ...Array.from({ length: 15 }, () => data(1, 16_384)), padded);
    expect(peer.told.slice(1)).to.deep.equal([...Array.from({ length: 15 }, () => "data 16384"), "data 100"]);
    expect(peer.take(FRAME.windowUpdate).filter(({ streamId }) => streamId === 1)).to.have.length(0);
    await peer.send(data(1, 16_384));
    const [grown] = peer.take(FRAME.windowUpdate).filter(({ streamId }) => streamId === 1);
    expect(readNumber(grown?.payload ?? NO_BYTES)).to.equal(16 * 16_384 + 301);
  });

  it("tells a client that nobody reads the rest of its request", async () => {
    const peer = new Peer();
    await peer.send(PREFACE, headers(1, OPEN));
    peer.streams[0]?.respond([[":status", "200"]], true);
    await peer.send();
    expect(peer.take(FRAME.rstStream).map(({ payload }) => readNumber(payload))).to.deep.equal([CODE.noError]);
    await peer.send(data(1, 10, FLAG.endStream), update(1, 5), headers(3, WHOLE));
    expect(peer.told).to.deep.equal(["headers 1", "headers 1, the last"]);
    expect(peer.takeGoaway()).to.equal(undefined);
  });

  it("sends headers of any length", async () => {
    const peer = new Peer();
    await peer.send(PREFACE, headers(1, WHOLE));
    peer.streams[0]?.respond([["a", "x".repeat(40_000)]], true);
    await peer.send();
    expect(peer.take(FRAME.headers).map(({ flags }) => flags)).to.deep.equal([FLAG.endStream]);
    expect(peer.take(FRAME.continuation).map(({ flags }) => flags)).to.deep.equal([0, FLAG.endHeaders]);
  });

  it("takes headers in parts, and passes over what it does not know", async () => {
    const peer = new Peer();
    await peer.send(PREFACE, control(FRAME.priority, 5, 9), control(200, 17, 4), headers(1, FLAG.endStream, NO_BYTES));
    await peer.send(continuation(1, 0, block.subarray(0, 3)), continuation(1, FLAG.endHeaders, block.subarray(3)));
    expect(peer.told).to.deep.equal(["headers 1, the last"]);
  });

  it("answers pings and settings", async () => {
    const peer = new Peer();
    await peer.send(PREFACE, encodeSettings([]), control(FRAME.ping, 8));
    expect(peer.take(FRAME.settings).map(({ flags }) => flags)).to.deep.equal([0, FLAG.ack]);
    expect(peer.take(FRAME.ping).map(({ flags }) => flags)).to.deep.equal([FLAG.ack]);
  });

  it("tells streams of a client that breaks off, and of the connection's end", async () => {
    const peer = new Peer();
    await peer.send(PREFACE, headers(1, WHOLE), headers(3, WHOLE), encodeNumberFrame(FRAME.rstStream, 1, CODE.cancel));
    peer.connection.closed();
    expect(peer.told.slice(2)).to.deep.equal([
      "the client has broken the call off (code 8)",
      "the connection was closed",
    ]);
  });

  it("takes no request when it is about to end, and answers what it has", async () => {
    const peer = new Peer();
    await peer.send(PREFACE, headers(1, WHOLE));
    peer.connection.goAway();
    await peer.send(headers(3, WHOLE));
    peer.streams[0]?.respond([[":status", "200"]], true);
    await peer.send();
    expect(peer.takeGoaway()).to.equal(CODE.noError);
    expect(peer.take(FRAME.rstStream).map(({ streamId }) => streamId)).to.deep.equal([3]);
    expect(peer.take(FRAME.headers).map(({ streamId }) => streamId)).to.deep.equal([1]);
  });

  it("refuses more requests than it can remember", async () => {
    const peer = new Peer();
    await peer.send(PREFACE, ...Array.from({ length: 16_385 }, (_, index) => headers(2 * index + 1, WHOLE)));
    const refused = peer.take(FRAME.rstStream).map(({ streamId, payload }) => [streamId, readNumber(payload)]);
    expect(refused).to.deep.equal([[32_769, CODE.refusedStream]]);
  });

  const faults: readonly (readonly [what: string, sent: readonly Uint8Array[], code: number])[] = [
    ["another protocol", [Buffer.from("GET / HTTP/1.1\r\n\r\n")], CODE.protocolError],
    ["a frame that is too long", [PREFACE, control(FRAME.data, 16_385, 1)], CODE.frameSizeError],
    ["data of no stream", [PREFACE, data(0, 1)], CODE.protocolError],
    ["data of a stream that was never opened", [PREFACE, headers(1, OPEN), data(3, 1)], CODE.protocolError],
    ["a window of a stream that was never opened", [PREFACE, update(7, 1)], CODE.protocolError],
    ["the end of a stream that was never opened", [PREFACE, control(FRAME.rstStream, 4, 1)], CODE.protocolError],
    ["a stream of an even number", [PREFACE, headers(2, OPEN)], CODE.protocolError],
    ["a push", [PREFACE, headers(1, OPEN), control(FRAME.pushPromise, 4, 1)], CODE.protocolError],
    ["data between headers", [PREFACE, headers(1, 0), data(1, 1)], CODE.protocolError],
    ["a continuation of nothing", [PREFACE, continuation(1, 0, block)], CODE.protocolError],
    [
      "a continuation of another stream",
      [PREFACE, headers(1, 0), continuation(3, FLAG.endHeaders, block)],
      CODE.protocolError,
    ],
    [
      "endless continuations",
      [PREFACE, headers(1, 0), ...Array.from({ length: 100 }, () => continuation(1, 0, NO_BYTES))],
      CODE.enhanceYourCalm,
    ],
    ["headers that are garbage", [PREFACE, headers(1, OPEN, Uint8Array.of(0xff, 0xff))], CODE.compressionError],
    [
      "a padding longer than its frame",
      [
        PREFACE,
        headers(1, OPEN),
        encodeFrame({ type: FRAME.data, flags: FLAG.padded, streamId: 1, payload: Uint8Array.of(9) }),
      ],
      CODE.protocolError,
    ],
    ["a window that does not grow", [PREFACE, headers(1, OPEN), update(1, 0)], CODE.protocolError],
    ["a window that is too large", [PREFACE, headers(1, OPEN), update(1, 2 ** 31 - 1)], CODE.flowControlError],
    ["a connection's window that is too large", [PREFACE, update(0, 2 ** 31 - 1)], CODE.flowControlError],
    ["a first window that is too large", [PREFACE, window(2 ** 31)], CODE.flowControlError],
    ["settings of a wrong length", [PREFACE, control(FRAME.settings, 5)], CODE.frameSizeError],
    ["settings of a stream", [PREFACE, control(FRAME.settings, 6, 1)], CODE.protocolError],
    ["a ping of a wrong length", [PREFACE, control(FRAME.ping, 7)], CODE.frameSizeError],
    [
      "more data than it has asked for",
      [PREFACE, headers(1, OPEN), ...Array.from({ length: 257 }, () => data(1, 16_384))],
      CODE.flowControlError,
    ],
  ];
  for (const [what, sent, code] of faults) {
    it(`ends with a client that sends ${what}`, async () => {
      const peer = new Peer();
      await peer.send(...sent);
      expect(peer.takeGoaway()).to.equal(code);
      expect(peer.isClosed).to.equal(true);
    });
  }

  it("never throws, whatever comes", () => {
    const frame = fc
      .record({
        type: fc.nat(11),
        flags: fc.nat(255),
        streamId: fc.nat(5),
        payload: fc.uint8Array({ maxLength: 40 }),
      })
      .map(encodeFrame);
    fc.assert(
      fc.property(fc.array(fc.oneof(frame, fc.uint8Array({ maxLength: 20 })), { maxLength: 20 }), (parts) => {
        const peer = new Peer((stream, bytes) => stream.credit(bytes.length));
        peer.connection.receive(PREFACE);
        for (const part of parts) peer.connection.receive(part);
      }),
      { numRuns: 2_000 },
    );
  });
});
