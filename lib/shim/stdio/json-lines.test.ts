import { expect } from "chai";
import { JsonLines, PART_BYTES } from "./json-lines.ts";

const TIME = "2026-01-02T03:04:05.000000006Z";

/** What the log says after these pieces, and the end if it is asked for. */
function linesOf(pieces: readonly (string | Uint8Array)[], isEnded = true): readonly string[] {
  const taken: Buffer[] = [];
  const lines = new JsonLines("stdout", (bytes) => taken.push(Buffer.from(bytes)));
  for (const piece of pieces) lines.push(typeof piece === "string" ? Buffer.from(piece) : piece, TIME);
  if (isEnded) lines.end(TIME);
  const text = Buffer.concat(taken).toString();
  return text === "" ? [] : text.replace(/\n$/, "").split("\n");
}

function logsOf(pieces: readonly (string | Uint8Array)[], isEnded = true): readonly string[] {
  return linesOf(pieces, isEnded).map((line) => JSON.parse(line).log);
}

/** The same bytes, one by one. */
function singly(bytes: Uint8Array): readonly Uint8Array[] {
  return [...bytes].map((byte) => Uint8Array.of(byte));
}

describe("JsonLines", () => {
  it("writes docker's lines", () => {
    expect(linesOf(["hello\n"])).to.deep.equal([`{"log":"hello\\n","stream":"stdout","time":"${TIME}"}`]);
  });

  it("keeps a line that has not ended until it has", () => {
    expect(logsOf(["a\nb"], false)).to.deep.equal(["a\n"]);
    expect(logsOf(["a\nb", "c\n", "d"], true)).to.deep.equal(["a\n", "bc\n", "d"]);
  });

  it("hands on a part of a line if it is told to, and no half of a character", () => {
    const taken: string[] = [];
    const lines = new JsonLines("stdout", (bytes) => taken.push(Buffer.from(bytes).toString()));
    for (const piece of [Buffer.from("# "), Buffer.from("ä").subarray(0, 1), Buffer.from("ä").subarray(1), ""]) {
      lines.push(Buffer.from(piece), TIME);
      lines.part();
      lines.part();
    }
    lines.push(Buffer.from("b\nc"), TIME);
    lines.end(TIME);
    const logs = taken
      .join("")
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line).log);
    expect(logs).to.deep.equal(["# ", "ä", "b\n", "c"]);
  });

  it("says nothing of an output without a byte", () => {
    expect(linesOf([])).to.deep.equal([]);
    expect(linesOf(["", ""])).to.deep.equal([]);
    expect(logsOf(["a\n", ""])).to.deep.equal(["a\n"]);
  });

  it("takes every byte of ASCII as it is", () => {
    const all = Buffer.from(Array.from({ length: 128 }, (_, byte) => byte));
    expect(logsOf([all]).join("")).to.equal(all.toString());
    expect(logsOf(singly(all)).join("")).to.equal(all.toString());
  });

  it("cuts a long line in parts, the end of the line in the last", () => {
    const line = "x".repeat(2 * PART_BYTES + 5);
    expect(logsOf([`${line}\nnext\n`]).map(({ length }) => length)).to.deep.equal([PART_BYTES, PART_BYTES, 6, 5]);
    expect(logsOf(["x".repeat(PART_BYTES), "\n"]).map(({ length }) => length)).to.deep.equal([PART_BYTES, 1]);
    expect(logsOf(["x".repeat(PART_BYTES)]).map(({ length }) => length)).to.deep.equal([PART_BYTES]);
  });

  it("keeps a character whole where a line is cut, and where a read has ended", () => {
    const line = `${"x".repeat(PART_BYTES - 1)}€€\n`;
    const parts = logsOf([line]);
    expect(parts.map((part) => Buffer.byteLength(part))).to.deep.equal([PART_BYTES - 1, 7]);
    expect(parts.join("")).to.equal(line);
    const text = "äöü € 𝄞 \u{10ffff} \u2028 \ufeff\n";
    expect(logsOf([text])).to.deep.equal([text]);
    expect(logsOf(singly(Buffer.from(text)))).to.deep.equal([text]);
  });

  const invalid: readonly (readonly [string, readonly number[]])[] = [
    ["a byte that begins nothing", [0x80]],
    ["an overlong form", [0xc0, 0xaf]],
    ["an overlong form of three bytes", [0xe0, 0x80, 0xaf]],
    ["a surrogate", [0xed, 0xa0, 0x80]],
    ["above the last character", [0xf4, 0x90, 0x80, 0x80]],
    ["a byte that is in no character", [0xff]],
    ["a character that is broken off", [0xe2, 0x82]],
  ];
  for (const [name, bytes] of invalid) {
    it(`replaces ${name}, byte by byte`, () => {
      const expected = `a${"\ufffd".repeat(bytes.length)}b\n`;
      const given = [...Buffer.from("a"), ...bytes, ...Buffer.from("b\n")];
      expect(logsOf([Uint8Array.from(given)])).to.deep.equal([expected]);
      expect(logsOf(singly(Uint8Array.from(given)))).to.deep.equal([expected]);
    });
  }

  it("replaces what is broken off at the end", () => {
    expect(logsOf([Uint8Array.of(0x61, 0xe2, 0x82)])).to.deep.equal(["a\ufffd\ufffd"]);
    expect(logsOf([Uint8Array.of(0xe2)])).to.deep.equal(["\ufffd"]);
  });

  it("loses nothing of random bytes in random pieces", () => {
    // A generator with a seed, so that a failure can be seen again.
    let state = 7;
    const next = (limit: number) => {
      state = (state * 48271) % 2147483647;
      return state % limit;
    };
    const bytes = Buffer.from(
      Array.from({ length: 300_000 }, () => (next(40) === 0 ? 10 : next(3) === 0 ? next(256) : 97)),
    );
    const pieces: Uint8Array[] = [];
    for (let at = 0; at < bytes.length; ) {
      const size = 1 + next(next(4) === 0 ? 70_000 : 200);
      pieces.push(bytes.subarray(at, at + size));
      at += size;
    }
    // The decoder replaces a broken character once, JsonLines each of its bytes; so both are told apart from text only.
    const plain = (text: string) => text.replace(/\ufffd+/g, "\ufffd");
    expect(plain(logsOf(pieces).join(""))).to.equal(plain(new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes)));
  });

  it("hands on whole lines only, and no more than its memory", () => {
    const sizes: number[] = [];
    const lines = new JsonLines("stderr", (bytes) => {
      sizes.push(bytes.length);
      expect(bytes.at(-1)).to.equal(10);
    });
    lines.push(new Uint8Array(64 * 1024).fill(10), TIME);
    lines.push(new Uint8Array(64 * 1024), TIME);
    expect(Math.max(...sizes)).to.be.lessThan(256 * 1024);
    expect(sizes.length).to.be.greaterThan(10);
  });
});
