import { expect } from "chai";
import { compareObservations, findAccepted, findStale } from "./compare.ts";

function observation(lines: readonly string[]): ReadonlyMap<string, readonly string[]> {
  return new Map([["s", lines]]);
}

describe("compareObservations()", () => {
  const cases = [
    { name: "equal", left: ["a", "b"], right: ["a", "b"], expected: [] },
    { name: "one line differs", left: ["a", "b"], right: ["a", "c"], expected: ["- b", "+ c"] },
    { name: "a line comes twice", left: ["a"], right: ["a", "a"], expected: ["+ a"] },
    { name: "another order", left: ["a", "b"], right: ["b", "a"], expected: ["~ order: a | b <> b | a"] },
  ];
  for (const { name, left, right, expected } of cases)
    it(name, () => {
      const found = compareObservations(observation(left), observation(right));
      expect(found.map(({ line }) => line)).to.deep.equal(expected);
    });

  it("sees a section that only one side has", () => {
    expect(compareObservations(new Map(), observation(["a"]))).to.deep.equal([{ section: "s", line: "+ a" }]);
  });
});

describe("findAccepted() and findStale()", () => {
  const entry = { case: "mounts/*", section: "s", pattern: /^\+ a$/, reason: "because" };

  it("accepts what matches case, section and line", () => {
    expect(findAccepted([entry], "mounts/x", { section: "s", line: "+ a" })).to.equal(entry);
  });

  for (const [name, section, line] of [
    ["process/x", "s", "+ a"],
    ["mounts/x", "t", "+ a"],
    ["mounts/x", "s", "- a"],
  ] as const)
    it(`does not accept ${name} ${section} ${line}`, () => {
      expect(findAccepted([entry], name, { section, line })).to.equal(undefined);
    });

  it("calls an entry stale that was not used although its case ran", () => {
    expect(findStale([entry], new Set(), ["mounts/x"])).to.deep.equal([entry]);
    expect(findStale([entry], new Set([entry]), ["mounts/x"])).to.deep.equal([]);
    expect(findStale([entry], new Set(), ["process/x"])).to.deep.equal([]);
  });
});
