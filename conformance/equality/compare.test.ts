import { expect } from "chai";
import { type AcceptedDifference, acceptedBeside, compareObservations, findAccepted, findStale } from "./compare.ts";

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

describe("acceptedBeside()", () => {
  const entry = (reason: string, of?: "1.1" | "later"): AcceptedDifference => ({
    ...{ case: "*", section: "*", pattern: /./, reason },
    ...(of === undefined ? {} : { of }),
  });
  const list = [entry("every"), entry("old", "1.1"), entry("new", "later")];
  const reasons = (version: string) => acceptedBeside(list, version).map(({ reason }) => reason);

  it("takes the entries of the reference's version, and those of every one", () => {
    expect(reasons("runc version 1.1.5+ds1")).to.deep.equal(["every", "old"]);
    expect(reasons("runc version 1.3.6+ds1")).to.deep.equal(["every", "new"]);
    expect(reasons("runc version 1.10.0")).to.deep.equal(["every", "new"]);
  });
});
