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

const RESULT = /^(ok|not ok) \d+(?: -)? (.*?)(?:\s*# ?(SKIP|skip)\b:?\s*(.*))?$/;

/** testanything.org: the results, each with the remarks that follow it. */
export function parseTap(text: string): readonly TapResult[] {
  const results: { name: string; verdict: TapResult["verdict"]; why: string; details: string[] }[] = [];
  for (const line of text.replaceAll("\r", "").split("\n")) {
    const [, word, name = "", skip, why = ""] = RESULT.exec(line) ?? [];
    if (word === undefined) {
      if (line.startsWith("# ")) results.at(-1)?.details.push(line.slice(2));
      continue;
    }
    const verdict = skip !== undefined ? "skipped" : word === "ok" ? "passed" : "failed";
    results.push({ name, verdict, why, details: [] });
  }
  return results;
}

const MAX_DETAILS = 12;

/** Judges results by failing.txt: an unlisted failure is red, and so is a listed test that passes. */
export function judgeTap(
  tally: Tally,
  group: string,
  results: readonly TapResult[],
  failing: ReadonlyMap<string, string>,
): void {
  for (const { name, verdict, why, details } of results) {
    const title = `${group}/${name}`;
    const reason = failing.get(title);
    if (verdict === "skipped") tally.skip(title, why === "" ? "by the test itself" : why);
    else if (verdict === "passed" && reason === undefined) tally.pass(title);
    else if (verdict === "passed") tally.fail(title, ["listed in failing.txt, but it passes"]);
    else if (reason === undefined) tally.fail(title, details.slice(0, MAX_DETAILS));
    else tally.pass(`${title} (fails as listed: ${reason})`);
  }
}
