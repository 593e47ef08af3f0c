import { expect } from "chai";
import { renderRows } from "./progress.ts";

const rowOf = (number: number, event: string, done = 0, total = 1000) => {
  return { name: `layer-sha256:${String(number).padStart(64, "0")}`, event, done, total };
};

describe("renderRows()", () => {
  it("shows how much there is of each blob", () => {
    const [line] = renderRows([rowOf(1, "downloading", 500_000, 1_000_000)], { rows: 24, columns: 80 });
    expect(line).to.equal(`${"layer 000000000000".padEnd(28)} downloading    [========       ] 500kB/1MB`);
  });

  it("fits the terminal", () => {
    for (const columns of [1, 10, 40, 60, 79, 80, 81, 200]) {
      for (const line of renderRows([rowOf(1, "downloading", 123_456, 9_876_543)], { rows: 24, columns })) {
        expect(line.length, `${columns} columns`).to.be.lessThan(columns);
      }
    }
  });

  it("shows what is not over where there is no room for all", () => {
    const rows = [rowOf(1, "complete"), rowOf(2, "already exists"), rowOf(3, "downloading"), rowOf(4, "waiting")];
    const shown = renderRows(rows, { rows: 4, columns: 80 }).map((line) => line.split(/ {2,}/)[1]);
    expect(shown).to.deep.equal(["downloading [", "waiting", "complete"].map((text) => text.replace(" [", "")));
    expect(renderRows(rows, { rows: 5, columns: 80 }).length).to.equal(4);
    expect(renderRows(rows, { rows: 1, columns: 80 }).length).to.equal(1);
  });

  it("survives more than was promised, and names of others' making", () => {
    const odd = { name: "\u001b[2Jblob", event: "down\u001b[31m", done: 2000, total: 1000 };
    const [line = ""] = renderRows([odd], { rows: 24, columns: 80 });
    expect(line).to.not.include("\u001b");
    expect(line).to.include("[===============]");
  });
});
