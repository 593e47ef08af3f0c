import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { AssertionError } from "chai";

/** For tests: whether golden files are to be rewritten instead of compared: UPDATE_GOLDEN=1. */
function isUpdate(): boolean {
  return process.env["UPDATE_GOLDEN"] === "1";
}

/** For tests: a text is what the file says, or, with UPDATE_GOLDEN=1, becomes it. @throws {AssertionError} with a diff */
export function expectGolden(file: string, actual: string): void {
  if (isUpdate()) {
    writeFileSync(file, actual);
    return;
  }
  if (!existsSync(file)) throw new AssertionError(`${file} is missing: make it with UPDATE_GOLDEN=1, then read it`);
  const expected = readFileSync(file, "utf8");
  if (expected === actual) return;
  const diff = diffPlans(expected.split("\n"), actual.split("\n"));
  throw new AssertionError(`not what ${file} says (UPDATE_GOLDEN=1 rewrites it):\n${diff.join("\n")}`);
}

const MAX_DIFF_LINES = 60;

/** Lines that differ, `-` expected and `+` actual. The numbers of steps shift with each insertion and are shown last. */
export function diffPlans(expected: readonly string[], actual: readonly string[]): readonly string[] {
  const text = diffLines(expected.map(withoutNumbers), actual.map(withoutNumbers));
  const diff = text.length > 0 ? text : ["only numbers of steps differ:", ...diffLines(expected, actual)];
  const rest = diff.length - MAX_DIFF_LINES;
  return rest > 0 ? [...diff.slice(0, MAX_DIFF_LINES), `… and ${rest} lines more`] : diff;
}

function withoutNumbers(line: string): string {
  return line.replace(/^ +\d+ {2}/, "         ").replace(/go to \d+/g, "go to …");
}

/** By a longest common subsequence: plans have some hundred lines. */
function diffLines(expected: readonly string[], actual: readonly string[]): readonly string[] {
  const common = commonLengths(expected, actual);
  const diff: string[] = [];
  let [i, j] = [0, 0];
  while (i < expected.length || j < actual.length) {
    const [left, right] = [expected[i], actual[j]];
    if (left === right) {
      i++;
      j++;
    } else if (right === undefined || lengthAt(common, i + 1, j) >= lengthAt(common, i, j + 1)) {
      diff.push(left === undefined ? `+${right}` : `-${left}`);
      if (left === undefined) j++;
      else i++;
    } else {
      diff.push(`+${right}`);
      j++;
    }
  }
  return diff;
}

/** The length of the longest common subsequence of what follows, for each pair of lines. */
function commonLengths(expected: readonly string[], actual: readonly string[]): readonly Uint16Array[] {
  const lengths = expected.map(() => new Uint16Array(actual.length + 1));
  for (let i = expected.length - 1; i >= 0; i--) {
    for (let j = actual.length - 1; j >= 0; j--) {
      const row = lengths[i] ?? new Uint16Array(0);
      const longest = Math.max(lengthAt(lengths, i + 1, j), lengthAt(lengths, i, j + 1));
      row[j] = expected[i] === actual[j] ? lengthAt(lengths, i + 1, j + 1) + 1 : longest;
    }
  }
  return lengths;
}

function lengthAt(lengths: readonly Uint16Array[], i: number, j: number): number {
  return lengths[i]?.[j] ?? 0;
}
