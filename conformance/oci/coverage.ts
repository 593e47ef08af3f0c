import type { Requirement } from "./requirements.ts";

function documentOf({ place }: Requirement): string {
  return place.split(" § ")[0] ?? place;
}

function cell(text: string): string {
  return text.replaceAll("|", "\\|");
}

function rowOf(requirement: Requirement): string {
  const { id, place, level, sentence, scenarios, untested } = requirement;
  const section = place.split(" § ")[1] ?? "";
  const shown = untested === undefined ? scenarios.map((name) => `\`${name}\``).join(", ") : `— ${untested}`;
  return `| ${id} | ${section} | ${level} | ${cell(sentence)} | ${cell(shown)} |`;
}

function summaryOf(requirements: readonly Requirement[]): string {
  const count = (level: string, tested: boolean): number =>
    requirements.filter((each) => each.level === level && (each.untested === undefined) === tested).length;
  const words = ["MUST", "SHOULD", "TEXT"].map((level) => {
    const tested = count(level, true);
    return `${level} ${tested} of ${tested + count(level, false)}`;
  });
  return words.join(", ");
}

/** coverage.md: which requirement has which test, and why some have none. */
export function renderCoverage(requirements: readonly Requirement[]): string {
  const documents = Map.groupBy(requirements, documentOf);
  const lines = [
    "# Coverage",
    "",
    "Generated from `requirements/` by `bun conformance/oci/main.ts --write-coverage`. REQUIRED counts as MUST; TEXT is a",
    "sentence that says how things are without a word of RFC 2119. The last column names the scenario that looks at the",
    "requirement, or says why none does.",
    "",
    `Tested: ${summaryOf(requirements)}.`,
  ];
  for (const [document, own] of documents) {
    lines.push("", `## ${document}`, "", `Tested: ${summaryOf(own)}.`, "");
    lines.push("| Id | Section | Level | Requirement | Test |", "| --- | --- | --- | --- | --- |");
    lines.push(...own.map(rowOf));
  }
  return `${lines.join("\n")}\n`;
}
