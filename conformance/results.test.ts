import { existsSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { describe, it } from "mocha";
import { countRun, mergeRows, renderResults, sumOf } from "./results.ts";
import { SUITES } from "./suites.ts";

describe("countRun()", () => {
  const cases = [
    { name: "takes the last line", output: "ok    a\n3 passed, 0 failed, 1 skipped\n\n", status: 0, counts: [3, 0, 1] },
    { name: "takes failures", output: "3 passed, 2 failed, 0 skipped\n", status: 1, counts: [3, 2, 0] },
    {
      name: "counts a status without a failure",
      output: "3 passed, 0 failed, 0 skipped",
      status: 1,
      counts: [3, 1, 0],
    },
    { name: "counts a run without a last line", output: "Segmentation fault\n", status: 0, counts: [0, 1, 0] },
    {
      name: "counts a run that says more at its end",
      output: "1 passed, 0 failed, 0 skipped\nx",
      status: 0,
      counts: [0, 1, 0],
    },
    { name: "counts a run that says nothing", output: "", status: 137, counts: [0, 1, 0] },
  ];
  for (const { name, output, status, counts } of cases) {
    it(name, () => expect(Object.values(countRun(output, status))).to.deep.equal(counts));
  }
});

describe("renderResults()", () => {
  const suite = { name: "a", judges: "all" };
  const other = { name: "b", judges: "more", ownOnly: "it judges us" };

  it("has a line a suite, and tells those that did not run", () => {
    const rows = [
      { suite, counts: { passed: 12, failed: 1, skipped: 0 } },
      { suite: other, counts: undefined },
    ];
    const text = renderResults(rows, new Map([["Linux", "6.1"]]));
    expect(text).to.contain("| Linux         | 6.1     |");
    expect(text).to.contain("| a     | all    | 12     | 1      | 0       | yes             |");
    expect(text).to.contain("| b     | more   | –      | –      | –       | it judges us    |");
    expect(text.endsWith("\n\n12 passed, 1 failed, 0 skipped\n")).to.equal(true);
    expect(Object.values(sumOf(rows))).to.deep.equal([12, 1, 0]);
  });
});

describe("mergeRows()", () => {
  const [first, second, third] = ["a-b", "c", "d"].map((name) => ({ name, judges: "x | y" }));
  const suites = [first, second, third].filter((suite) => suite !== undefined);

  it("keeps what is written of suites that did not run", () => {
    const counts = { passed: 1, failed: 2, skipped: 3 };
    const whole = suites.slice(0, 2).map((suite) => ({ suite, counts }));
    const earlier = renderResults(whole, new Map([["Linux", "6.1"]]));
    const again = suites.slice(1, 2).map((suite) => ({ suite, counts: { passed: 9, failed: 0, skipped: 0 } }));
    const merged = mergeRows(suites, again, earlier).map((row) => Object.values(row.counts ?? {}).join());
    expect(merged).to.deep.equal(["1,2,3", "9,0,0", ""]);
  });
});

describe("the suites", () => {
  for (const { name } of SUITES) {
    it(`${name} has a program and a page`, () => {
      expect(existsSync(join(import.meta.dir, name, "main.ts"))).to.equal(true);
      expect(existsSync(join(import.meta.dir, name, "README.md"))).to.equal(true);
    });
  }
});
