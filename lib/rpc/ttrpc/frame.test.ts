import { expect } from "chai";
import { encodeFrame, FRAME, type Frame, FrameError, FrameReader, HEADER_BYTES, MAX_DATA_BYTES } from "./frame.ts";

const REQUEST = encodeFrame(3, FRAME.request, 0, Uint8Array.of(1, 2, 3));

/** The bytes of a header that claims `length`. */
function header(length: number, type: number): Uint8Array {
  const bytes = new Uint8Array(HEADER_BYTES);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, length);
  view.setUint32(4, 1);
  view.setUint8(8, type);
  return bytes;
}

function readAll(chunks: readonly Uint8Array[]): readonly Frame[] {
  const reader = new FrameReader();
  return chunks.flatMap((chunk) => reader.push(chunk));
}

describe("encodeFrame()", () => {
  it("writes length, stream, type and flags in network order", () => {
    expect([...encodeFrame(0x01020304, FRAME.response, 1, Uint8Array.of(9))]).to.deep.equal([
      ...[0, 0, 0, 1, 1, 2, 3, 4, 2, 1, 9],
    ]);
  });

  it("refuses what no peer would read", () => {
    expect(() => encodeFrame(1, FRAME.data, 0, new Uint8Array(MAX_DATA_BYTES + 1))).to.throw(TypeError);
  });
});

describe("FrameReader", () => {
  const frame = { streamId: 3, type: FRAME.request, flags: 0, data: Uint8Array.of(1, 2, 3) };

  it("reads a frame that comes in any two parts", () => {
    for (let cut = 0; cut <= REQUEST.length; cut++) {
      expect(readAll([REQUEST.subarray(0, cut), REQUEST.subarray(cut)])).to.deep.equal([frame]);
    }
  });

  it("reads several frames that come at once, and one byte after the other", () => {
    const twice = new Uint8Array([...REQUEST, ...REQUEST]);
    expect(readAll([twice])).to.deep.equal([frame, frame]);
    expect(readAll([...twice].map((byte) => Uint8Array.of(byte)))).to.deep.equal([frame, frame]);
  });

  it("keeps nothing of the caller's buffer", () => {
    const buffer = REQUEST.slice(0, 11);
    const reader = new FrameReader();
    reader.push(buffer);
    buffer.fill(0xff);
    expect(reader.push(REQUEST.subarray(11))).to.deep.equal([frame]);
  });

  it("passes over what is too long, and reads on behind it", () => {
    const long = header(MAX_DATA_BYTES + 1, FRAME.request);
    const frames = readAll([long, new Uint8Array(MAX_DATA_BYTES), Uint8Array.of(0), REQUEST]);
    expect(frames.map(({ data }) => data?.length)).to.deep.equal([undefined, 3]);
  });

  it("refuses an unknown type", () => {
    for (const type of [0, 4, 255]) expect(() => new FrameReader().push(header(0, type))).to.throw(FrameError);
  });

  it("takes memory as bytes come, not as a length claims", () => {
    const readers = Array.from({ length: 2_000 }, () => new FrameReader());
    const before = process.memoryUsage().arrayBuffers;
    for (const reader of readers) reader.push(header(MAX_DATA_BYTES, FRAME.request));
    expect(process.memoryUsage().arrayBuffers - before).to.be.lessThan(64 * 2 ** 20);
  });

  it("keeps nothing of endless data that is too long", () => {
    const reader = new FrameReader();
    reader.push(header(0xffff_ffff, FRAME.data));
    const chunk = new Uint8Array(2 ** 20);
    const before = process.memoryUsage().arrayBuffers;
    for (let count = 0; count < 500; count++) expect(reader.push(chunk)).to.deep.equal([]);
    Bun.gc(true);
    expect(process.memoryUsage().arrayBuffers - before).to.be.lessThan(64 * 2 ** 20);
  });
});
