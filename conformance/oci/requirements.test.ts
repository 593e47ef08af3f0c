import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { describe, it } from "mocha";
import { renderCoverage } from "./coverage.ts";
import { loadRequirements, parseRequirements } from "./requirements.ts";
import { allScenarios } from "./scenarios/all.ts";

describe("parseRequirements()", () => {
  it("reads place, level, sentence, scenarios and the reason for none", () => {
    const text =
      "# remark\n@ a.md § B\n\nAB-01 MUST x/y, x/z\n  One\n  sentence.\n\nAB-02 SHOULD -\n  Another.\n  ! nobody\n  knows\n";
    expect(parseRequirements(text, "f")).to.deep.equal([
      {
        id: "AB-01",
        place: "a.md § B",
        level: "MUST",
        sentence: "One sentence.",
        scenarios: ["x/y", "x/z"],
        untested: undefined,
      },
      {
        id: "AB-02",
        place: "a.md § B",
        level: "SHOULD",
        sentence: "Another.",
        scenarios: [],
        untested: "nobody knows",
      },
    ]);
  });

  const wrong = [
    { name: "a level that is none", text: "@ p\nAB-01 MAY x\n  S.\n", error: "f:2: not" },
    { name: "a line that is none", text: "@ p\nhello\n", error: "f:2: not" },
    { name: "no sentence", text: "@ p\nAB-01 MUST x\n", error: "there is no sentence" },
    { name: "no place", text: "AB-01 MUST x\n  S.\n", error: "there is no place" },
    { name: "neither test nor reason", text: "@ p\nAB-01 MUST -\n  S.\n", error: "neither" },
    { name: "test and reason", text: "@ p\nAB-01 MUST x\n  S.\n  ! r\n", error: "both" },
  ];
  for (const { name, text, error } of wrong) {
    it(`refuses ${name}`, () => expect(() => parseRequirements(text, "f")).to.throw(error));
  }
});

describe("the requirements", () => {
  it("name scenarios that there are, and every scenario is named", () => {
    const named = new Set(loadRequirements().flatMap(({ scenarios }) => scenarios));
    const there = new Set(allScenarios.map(({ name }) => name));
    expect([...named].sort()).to.deep.equal([...there].sort());
  });

  it("are what coverage.md says", () => {
    const text = readFileSync(join(import.meta.dir, "coverage.md"), "utf8");
    expect(text).to.equal(renderCoverage(loadRequirements()));
  });
});
