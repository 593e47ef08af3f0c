import { isSometimes } from "./failing.ts";
import type { Tally } from "./tally.ts";

/** One line of a judge that speaks the Test Anything Protocol. */
export interface TapResult {
  readonly name: string;
  readonly verdict: "passed" | "failed" | "skipped";
  /** Why it was skipped. */
  readonly why: string;
  /** What was said after it, without the `# ` in front. */
  readonly details: readonly string[];
}

const RESULT = /^(ok|not ok)\b(?: \d+)?(?: -)?(?: (.*?))??(?:\s*# ?([Ss][Kk][Ii][Pp]|[Tt][Oo][Dd][Oo])\b:?\s*(.*))?$/;

function verdictOf(word: string, directive: string): TapResult["verdict"] {
  if (directive === "SKIP") return "skipped";
  if (word === "ok") return "passed";
  return directive === "TODO" ? "skipped" : "failed";
}

/** testanything.org: the results, each with the remarks that follow it. A failure marked TODO counts as skipped. */
export function parseTap(text: string): readonly TapResult[] {
  const results: { name: string; verdict: TapResult["verdict"]; why: string; details: string[] }[] = [];
  for (const line of text.replaceAll("\r", "").split("\n")) {
    const [, word, name = "", directive = "", why = ""] = RESULT.exec(line) ?? [];
    if (word === undefined) {
      if (line.startsWith("# ")) results.at(-1)?.details.push(line.slice(2));
      continue;
    }
    results.push({ name, verdict: verdictOf(word, directive.toUpperCase()), why, details: [] });
  }
  return results;
}

const MAX_DETAILS = 12;

/**
 * Judges results by failing.txt: an unlisted failure is red, and so is a listed test that passes. Tests of one name are
 * one entry of the list, which holds if one of them fails; so does one whose reason begins with `sometimes, `.
 */
export function judgeTap(
  tally: Tally,
  group: string,
  results: readonly TapResult[],
  failing: ReadonlyMap<string, string>,
): void {
  const failed = new Set(results.filter(({ verdict }) => verdict === "failed").map(({ name }) => name));
  for (const { name, verdict, why, details } of results) {
    const title = `${group}/${name}`;
    const reason = failing.get(title);
    if (verdict === "skipped") tally.skip(title, why === "" ? "by the test itself" : why);
    else if (verdict === "passed" && (reason === undefined || isSometimes(reason) || failed.has(name)))
      tally.pass(title);
    else if (verdict === "passed") tally.fail(title, ["listed in failing.txt, but it passes"]);
    else if (reason === undefined) tally.fail(title, details.slice(0, MAX_DETAILS));
    else tally.pass(`${title} (fails as listed: ${reason})`);
  }
}
