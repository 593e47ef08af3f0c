import { expect } from "chai";
import { formatTable, judgeRow, type Row } from "./report.ts";

const row: Row = {
  name: "run",
  unit: "ms",
  figures: new Map([
    ["tsrun", 9],
    ["runc", 20],
    ["crun", 6],
  ]),
  goals: [
    { peer: "runc", atMost: 0.45 },
    { peer: "crun", atMost: 1 },
    { peer: "youki", atMost: 1 },
  ],
};

describe("judgeRow()", () => {
  it("meets, misses and lacks", () => {
    expect(judgeRow(row, "tsrun").map(({ met }) => met)).to.deep.equal([true, false, undefined]);
  });

  it("lacks every figure of a candidate that is not there", () => {
    expect(judgeRow(row, "other").map(({ met }) => met)).to.deep.equal([undefined, undefined, undefined]);
  });
});

describe("formatTable()", () => {
  it("gives each runtime a column and says what became of the goals", () => {
    const [head, , line] = formatTable([row], ["tsrun", "runc", "youki"], "tsrun").split("\n");
    expect(head).to.match(/^\| Work \| tsrun +\| runc +\| youki \| tsrun beside/);
    expect(line).to.contain(
      "| 9.00 ms | 20.00 ms | –     | runc 0.45 (goal 0.45: met); crun 1.50 (goal 1: not met); youki –",
    );
  });
});
