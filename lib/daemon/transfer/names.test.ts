import { expect } from "chai";
import { type NamePattern, namesOfImage, namesOfImported } from "./names.ts";

const pattern = (fields: Partial<NamePattern>): NamePattern => ({
  ...{ name: "h/a", isPrefix: true, allowOverwrite: false, addDigest: false, skipNamedDigest: false },
  ...fields,
});

describe("namesOfImported()", () => {
  const D = "sha256:0";
  const full = (given: string) => ({ given, isFull: true });
  const tag = (given: string) => ({ given, isFull: false });
  for (const [what, given, fields, expected] of [
    ["a name of the prefix", full("h/a:1"), {}, ["h/a:1"]],
    ["no other name", full("h/ab:1"), {}, []],
    ["another name where it may overwrite", full("h/b:1"), { allowOverwrite: true }, ["h/b:1"]],
    ["a tag behind the prefix", tag("1"), {}, ["h/a:1"]],
    ["a tag that is a name of its own", tag("h.x/b:1"), { allowOverwrite: true }, ["h.x/b:1"]],
    ["no such name where it may not overwrite", tag("h.x/b:1"), {}, []],
    ["nothing for no tag", tag(""), {}, []],
    ["the digest for no tag", tag(""), { addDigest: true }, ["h/a@sha256:0"]],
    ["tag and digest", tag("1"), { addDigest: true }, ["h/a:1", "h/a@sha256:0"]],
    ["the tag alone", tag("1"), { addDigest: true, skipNamedDigest: true }, ["h/a:1"]],
    ["nothing for what is no name", tag("a//b:"), { allowOverwrite: true }, []],
    ["nothing without a prefix", full("h/a:1"), { isPrefix: false }, []],
  ] as const) {
    it(`gives ${what}`, () => expect(namesOfImported(given, [pattern(fields)], D)).to.deep.equal(expected));
  }

  it("gives each name of an image once", () => {
    const patterns = [
      pattern({ isPrefix: false, name: "x" }),
      pattern({ isPrefix: false, addDigest: true }),
      pattern({}),
    ];
    expect(namesOfImage("x", patterns, D)).to.deep.equal(["x", "h/a@sha256:0"]);
    expect(namesOfImage("", [], D)).to.deep.equal([]);
  });
});
