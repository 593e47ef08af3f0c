import { expect } from "chai";
import { describe, it } from "mocha";
import { Http2Error } from "./error.ts";
import { encodeHeaders, type Header, HeaderDecoder } from "./hpack.ts";
import { decodeHuffman } from "./huffman.ts";

const bytes = (hex: string) => new Uint8Array(Buffer.from(hex.replaceAll(" ", ""), "hex"));

describe("decodeHuffman()", () => {
  // RFC 7541, appendix C.4 and C.6.
  const examples = [
    ["f1e3c2e5f23a6ba0ab90f4ff", "www.example.com"],
    ["a8eb10649cbf", "no-cache"],
    ["25a849e95ba97d7f", "custom-key"],
    ["25a849e95bb8e8b4bf", "custom-value"],
    ["d07abe941054d444a8200595040b8166e082a62d1bff", "Mon, 21 Oct 2013 20:13:21 GMT"],
    [
      "94e7821dd7f2e6c7b335dfdfcd5b3960d5af27087f3672c1ab270fb5291f9587316065c003ed4ee5b1063d5007",
      "foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1",
    ],
  ] as const;
  for (const [hex, text] of examples) it(`reads ${text}`, () => expect(decodeHuffman(bytes(hex))).to.equal(text));

  it("refuses what is no text", () => {
    for (const hex of ["ff", "f1e3c2e5f23a6ba0ab90f4ffff", "ffffffffff", "00000000fe"]) {
      expect(() => decodeHuffman(bytes(hex)), hex).to.throw(Http2Error);
    }
  });
});

describe("HeaderDecoder", () => {
  it("remembers what it is told to (RFC 7541, appendix C.4)", () => {
    const decoder = new HeaderDecoder();
    const get: readonly Header[] = [
      [":method", "GET"],
      [":scheme", "http"],
      [":path", "/"],
      [":authority", "www.example.com"],
    ];
    expect(decoder.decode(bytes("8286 8441 8cf1 e3c2 e5f2 3a6b a0ab 90f4 ff"))).to.deep.equal(get);
    expect(decoder.decode(bytes("8286 84be 5886 a8eb 1064 9cbf"))).to.deep.equal([
      ...get,
      ["cache-control", "no-cache"],
    ]);
    expect(decoder.decode(bytes("8287 85bf 4088 25a8 49e9 5ba9 7d7f 8925 a849 e95b b8e8 b4bf"))).to.deep.equal([
      [":method", "GET"],
      [":scheme", "https"],
      [":path", "/index.html"],
      [":authority", "www.example.com"],
      ["custom-key", "custom-value"],
    ]);
  });

  it("forgets the oldest when its table is full, and all of it when told to", () => {
    const decoder = new HeaderDecoder();
    // A table of 64 bytes, then two entries of 34: the second pushes the first out.
    decoder.decode(bytes("3f21 4001 6101 31 4001 6201 32"));
    expect(decoder.decode(bytes("be"))).to.deep.equal([["b", "2"]]);
    expect(() => decoder.decode(bytes("bf"))).to.throw(Http2Error, "no header has the number 63");
    expect(decoder.decode(bytes("20"))).to.deep.equal([]);
    expect(() => decoder.decode(bytes("be"))).to.throw(Http2Error);
  });

  it("reads what encodeHeaders() writes", () => {
    const headers: readonly Header[] = [
      [":path", "/a/b"],
      ["empty", ""],
      ["long", "x".repeat(5000)],
    ];
    expect(new HeaderDecoder().decode(encodeHeaders(headers))).to.deep.equal(headers);
  });

  const bad = {
    "the number 0": "80",
    "a number that is not there": "ff80808080808001",
    "a literal without end": "400a6375",
    "a name that is cut off": "00",
    "a table that is too large": "3fe2 1f80 80",
    "a list that is too long": `40 01 61 7f a1 1e ${"61".repeat(4000)} ${"be".repeat(100)}`,
  };
  for (const [name, hex] of Object.entries(bad)) {
    it(`refuses ${name}`, () => expect(() => new HeaderDecoder().decode(bytes(hex))).to.throw(Http2Error));
  }
});
