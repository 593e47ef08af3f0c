import { expect } from "chai";
import { describe, it } from "mocha";
import { compareInDocument, overlaps, parsePointer, splitPointer, valueAt } from "./pointer.ts";

describe("pointers", () => {
  it("unescape in the order RFC 6901 wants", () => {
    expect(parsePointer("/a~1b/~01/")).to.deep.equal(["a/b", "~1", ""]);
    expect(parsePointer("")).to.deep.equal([]);
  });
  it("split into parent and name", () => {
    expect(splitPointer("/a/b~1c")).to.deep.equal({ parent: "/a", token: "b/c" });
    expect(splitPointer("/a")).to.deep.equal({ parent: "", token: "a" });
    expect(splitPointer("")).to.equal(undefined);
  });
  it("find values and not what an object inherits", () => {
    expect(valueAt({ a: [1, { "b/c": 2 }] }, "/a/1/b~1c")).to.equal(2);
    expect(valueAt({ a: 1 }, "/toString")).to.equal(undefined);
    expect(valueAt({ a: 1 }, "/a/b/c")).to.equal(undefined);
  });
  it("overlap when one contains the other", () => {
    expect(overlaps("/a", "/a/b")).to.equal(true);
    expect(overlaps("/a/b", "/a")).to.equal(true);
    expect(overlaps("", "/a")).to.equal(true);
    expect(overlaps("/a", "/ab")).to.equal(false);
  });
  it("sort as the document does, what is missing last", () => {
    const document = { b: [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, { y: 1, x: 1 }], a: 1 };
    const sorted = ["/b", "/b/2", "/b/10/y", "/b/10/x", "/b/10/z", "/a", "/c"];
    const shuffled = ["/c", "/b/10/x", "/a", "/b/10/z", "/b/2", "/b/10/y", "/b"];
    expect(shuffled.sort((p, q) => compareInDocument(document, p, q))).to.deep.equal(sorted);
  });
});
