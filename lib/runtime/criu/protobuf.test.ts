import { expect } from "chai";
import { REQUEST_SCHEMA, RESPONSE_SCHEMA } from "./messages.ts";
import { decodeMessage, encodeMessage, type Schema } from "./protobuf.ts";

const SCHEMA = {
  number: { number: 1, type: "number" },
  yes: { number: 2, type: "bool" },
  text: { number: 16, type: "text" },
  list: { number: 3, type: "text", repeated: true },
  inner: { number: 4, type: { a: { number: 1, type: "number" } } },
} as const satisfies Schema;

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("hex");
}

describe("encodeMessage()", () => {
  // The examples of protobuf.dev, Encoding.
  for (const [name, message, bytes] of [
    ["a number of two bytes", { number: 150 }, "089601"],
    ["a negative number in ten bytes", { number: -2 }, "08feffffffffffffffff01"],
    ["a text, with a field number of two bytes", { text: "testing" }, "82010774657374696e67"],
    ["a message in a message", { inner: { a: 150 } }, "2203089601"],
    ["every entry of a list", { list: ["a", "b"] }, "1a01611a0162"],
    ["false, which is not the same as nothing", { yes: false }, "1000"],
    ["nothing for what is not given", { number: undefined }, ""],
    ["an unsigned flag as it is", { number: 0x40000000 }, "088080808004"],
  ] as const) {
    it(`writes ${name}`, () => expect(hex(encodeMessage(SCHEMA, message))).to.equal(bytes));
  }

  it("writes a request as libcriu does", () => {
    const request = encodeMessage(REQUEST_SCHEMA, { type: 1, opts: { imagesDirFd: 5, logFile: "dump.log" } });
    expect(hex(request)).to.equal(`0801120c08055208${Buffer.from("dump.log").toString("hex")}`);
  });
});

describe("decodeMessage()", () => {
  it("reads what was written", () => {
    const message = { number: -7, yes: true, text: "ä", list: ["x", ""], inner: { a: 1 } };
    expect(decodeMessage(SCHEMA, encodeMessage(SCHEMA, message))).to.deep.equal(message);
  });

  it("passes over fields it does not know, of every kind", () => {
    const unknown = Buffer.from("300035010203043901020304050607083a0161", "hex");
    expect(decodeMessage(SCHEMA, Buffer.concat([unknown, Buffer.from("0805", "hex")]))).to.deep.equal({ number: 5 });
  });

  it("reads criu's answer with an errno", () => {
    expect(decodeMessage(RESPONSE_SCHEMA, Buffer.from("080110003803", "hex"))).to.deep.equal({
      type: 1,
      success: false,
      errno: 3,
    });
  });

  for (const [name, bytes] of [
    ["a key alone", "08"],
    ["a text without its end", "82010a61"],
    ["a number without its end", "0896"],
    ["a group", "0b"],
  ] as const) {
    it(`refuses ${name}`, () => {
      expect(() => decodeMessage(SCHEMA, Buffer.from(bytes, "hex"))).to.throw(TypeError, "internal error");
    });
  }
});
