import { expect } from "chai";
import { absolutePath, baseName } from "./path.ts";

describe("absolutePath()", () => {
  const cases = [
    ["/a/b", "c", "/a/b/c"],
    ["/a/b", "../c", "/a/c"],
    ["/a/b", "/c//d/./e/", "/c/d/e"],
    ["/a", ".", "/a"],
    ["/", "..", "/"],
    ["/a", "b/../../..", "/"],
  ] as const;
  for (const [cwd, path, expected] of cases) {
    it(`${path} in ${cwd} → ${expected}`, () => {
      expect(absolutePath(cwd, path)).to.equal(expected);
    });
  }
});

describe("baseName()", () => {
  for (const [path, expected] of [
    ["/usr/bin/tsrun", "tsrun"],
    ["tsrun", "tsrun"],
  ] as const) {
    it(`${path} → ${expected}`, () => {
      expect(baseName(path)).to.equal(expected);
    });
  }
});
