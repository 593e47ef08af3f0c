import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { describe, it } from "mocha";
import { loadFailing, parseFailing } from "./failing.ts";

describe("parseFailing()", () => {
  it("takes the last colon of a line for the end of the name", () => {
    const entries = parseFailing("# remark\n\na: b: c\nx.t/y: why\n");
    expect([...entries]).to.deep.equal([
      ["a: b", "c"],
      ["x.t/y", "why"],
    ]);
  });

  it("refuses a line without a reason", () => {
    expect(() => parseFailing("a\n")).to.throw('no reason in "a"');
  });
});

describe("loadFailing()", () => {
  it("has a list for each runtime, and none for one without", () => {
    const folder = mkdtempSync(join(tmpdir(), "tsrun-failing-"));
    try {
      writeFileSync(join(folder, "failing.txt"), "a: ours\n");
      writeFileSync(join(folder, "failing.runc.txt"), "a: theirs\n");
      const reasons = ["tsrun", "runc", "other"].map((name) => loadFailing(folder, name).get("a"));
      expect(reasons).to.deep.equal(["ours", "theirs", undefined]);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
