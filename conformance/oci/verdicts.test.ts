import { expect } from "chai";
import { describe, it } from "mocha";
import type { Requirement } from "./requirements.ts";
import { Findings, isRed, type Verdict } from "./verdicts.ts";

const REQUIREMENT: Requirement = {
  id: "AB-01",
  place: "a.md § B",
  level: "MUST",
  sentence: "S.",
  scenarios: ["x/y"],
  untested: undefined,
};

describe("Findings", () => {
  const judge = (say: (findings: Findings) => void): string => {
    const findings = new Findings();
    say(findings);
    const { outcome, details } = findings.judge(REQUIREMENT);
    return [outcome, ...details].join(": ");
  };

  it("passes what something showed and nothing spoke against", () => {
    expect(judge((findings) => findings.expect("AB-01", true, "no"))).to.equal("passed");
  });

  it("fails what one of many spoke against", () => {
    const say = (findings: Findings): void => {
      findings.expect("AB-01", true, "no");
      findings.expect("AB-01", false, "seen");
      findings.skip("AB-01", "why");
    };
    expect(judge(say)).to.equal("failed: seen");
  });

  it("fails what nothing came to", () => {
    expect(judge((findings) => findings.expect("AB-02", true, "no"))).to.contain("failed: its scenario");
  });

  it("skips what cannot be seen, unless something showed it", () => {
    expect(judge((findings) => findings.skip("AB-01", "why"))).to.equal("skipped: why");
    const say = (findings: Findings): void => {
      findings.skip("AB-01", "why");
      findings.expect("AB-01", true, "no");
    };
    expect(judge(say)).to.equal("passed");
  });
});

describe("isRed()", () => {
  const verdict = (outcome: Verdict["outcome"]): Verdict => ({ requirement: REQUIREMENT, outcome, details: [] });
  const cases = [
    { outcome: "passed", reason: undefined, red: false },
    { outcome: "passed", reason: "known", red: true },
    { outcome: "passed", reason: "sometimes, as it goes", red: false },
    { outcome: "failed", reason: undefined, red: true },
    { outcome: "failed", reason: "known", red: false },
    { outcome: "skipped", reason: "known", red: false },
    { outcome: "skipped", reason: undefined, red: false },
  ] as const;
  for (const { outcome, reason, red } of cases) {
    it(`${outcome}, listed: ${reason ?? "no"}: ${red}`, () => expect(isRed(verdict(outcome), reason)).to.equal(red));
  }
});
