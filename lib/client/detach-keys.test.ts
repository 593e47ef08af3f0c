import { expect } from "chai";
import { describe, it } from "mocha";
import { DetachScanner, parseDetachKeys } from "./detach-keys.ts";

describe("parseDetachKeys()", () => {
  it("reads docker's notation", () => {
    expect(parseDetachKeys("ctrl-p,ctrl-q")).to.deep.equal([16, 17]);
    expect(parseDetachKeys("a,Ctrl-],ctrl-@,~")).to.deep.equal([97, 29, 0, 126]);
    expect(parseDetachKeys("")).to.deep.equal([]);
  });
  for (const bad of ["ctrl-", "ctrl-1", "ab", "a,,b", "é"]) {
    it(`refuses ${bad}`, () => expect(() => parseDetachKeys(bad)).to.throw("unknown key"));
  }
});

describe("DetachScanner", () => {
  const typed = (keys: readonly number[], ...chunks: readonly string[]) => {
    const scanner = new DetachScanner(keys);
    return chunks.map((chunk) => {
      const { pass, isDetached } = scanner.scan(new TextEncoder().encode(chunk));
      return `${new TextDecoder().decode(pass)}${isDetached ? "|" : ""}`;
    });
  };
  const KEYS = [16, 17];

  it("passes on what is typed", () => expect(typed(KEYS, "ls\r")).to.deep.equal(["ls\r"]));
  it("sees the keys, at once and one by one", () => {
    expect(typed(KEYS, "a\u0010\u0011")).to.deep.equal(["a|"]);
    expect(typed(KEYS, "\u0010", "\u0011")).to.deep.equal(["", "|"]);
  });
  it("passes on the first key when the second does not follow", () => {
    expect(typed(KEYS, "\u0010", "x")).to.deep.equal(["", "\u0010x"]);
    expect(typed(KEYS, "\u0010\u0010", "\u0011")).to.deep.equal(["\u0010", "|"]);
  });
  it("takes no keys for none", () => expect(typed([], "\u0010\u0011")).to.deep.equal(["\u0010\u0011"]));
});
