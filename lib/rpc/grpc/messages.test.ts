import { expect } from "chai";
import { MAX_MESSAGE_BYTES } from "./limits.ts";
import { frameMessage, MessageReader } from "./messages.ts";

const MESSAGES = [0, 1, 300, 70_000, 5].map((length, index) => new Uint8Array(length).fill(index + 1));
const STREAM = Buffer.concat(MESSAGES.map(frameMessage));

describe("MessageReader", () => {
  for (const size of [1, 3, 4, 5, 6, 1000, 100_000]) {
    it(`reads messages that come in parts of ${size}`, () => {
      const reader = new MessageReader();
      const seen: Uint8Array[] = [];
      for (let at = 0; at < STREAM.length; at += size) seen.push(...reader.push(STREAM.subarray(at, at + size)));
      expect(seen.map((message) => Buffer.from(message))).to.deep.equal(MESSAGES.map((each) => Buffer.from(each)));
    });
  }

  it("keeps nothing of the caller's buffer", () => {
    const reader = new MessageReader();
    const begun = Buffer.from(STREAM.subarray(0, 20));
    reader.push(begun);
    begun.fill(99);
    const rest = reader.push(STREAM.subarray(20));
    expect(rest.map(({ length }) => length)).to.deep.equal([300, 70_000, 5]);
    expect(Buffer.from(rest[0] ?? [])).to.deep.equal(Buffer.from(MESSAGES[2] ?? []));
  });

  it("refuses what is too long before it has come, and what is compressed", () => {
    const long = new Uint8Array(5);
    new DataView(long.buffer).setUint32(1, MAX_MESSAGE_BYTES + 1);
    expect(() => new MessageReader().push(long)).to.throw(`a message of ${MAX_MESSAGE_BYTES + 1} bytes; the limit is`);
    const compressed = Uint8Array.of(1, 0, 0, 0, 1);
    expect(() => new MessageReader().push(compressed)).to.throw("compressed messages are not supported");
  });
});
