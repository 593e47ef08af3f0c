import { runcLine } from "../harness/runtime.ts";

/** What one runtime showed in one case: section → lines. */
export type Observation = ReadonlyMap<string, readonly string[]>;

/** One line that only one side has ("-" the reference, "+" the candidate), or an order that differs ("~"). */
export interface Difference {
  readonly section: string;
  readonly line: string;
}

/** A difference that is meant to be, and why. */
export interface AcceptedDifference {
  /** The case's name; "*" at the end stands for any rest. */
  readonly case: string;
  /** The section's name; "*" at the end stands for any rest. */
  readonly section: string;
  /** Matched against the difference's line, sign included. */
  readonly pattern: RegExp;
  readonly reason: string;
  /** Of runc 1.1 or of later ones alone; without, of every runc. */
  readonly of?: "1.1" | "later";
  /** It shows or not by what started the suite: that it does not is no fault of the list. */
  readonly sometimes?: true;
}

/** The entries that speak of a reference, by what its `--version` prints. */
export function acceptedBeside(list: readonly AcceptedDifference[], version: string): readonly AcceptedDifference[] {
  const of = runcLine(version);
  return list.filter((entry) => (entry.of ?? of) === of);
}

function without(lines: readonly string[], taken: readonly string[]): readonly string[] {
  const rest = [...taken];
  return lines.filter((line) => {
    const index = rest.indexOf(line);
    if (index < 0) return true;
    rest.splice(index, 1);
    return false;
  });
}

function compareSection(section: string, left: readonly string[], right: readonly string[]): readonly Difference[] {
  const found = [
    ...without(left, right).map((line) => ({ section, line: `- ${line}` })),
    ...without(right, left).map((line) => ({ section, line: `+ ${line}` })),
  ];
  if (found.length > 0 || left.every((line, index) => line === right[index])) return found;
  return [{ section, line: `~ order: ${left.join(" | ")} <> ${right.join(" | ")}` }];
}

/** All differences between two observations, section by section. */
export function compareObservations(reference: Observation, candidate: Observation): readonly Difference[] {
  const sections = new Set([...reference.keys(), ...candidate.keys()]);
  return [...sections].flatMap((section) =>
    compareSection(section, reference.get(section) ?? [], candidate.get(section) ?? []),
  );
}

function matchesName(pattern: string, name: string): boolean {
  return pattern.endsWith("*") ? name.startsWith(pattern.slice(0, -1)) : pattern === name;
}

/** The entry that accepts a difference of the case, if there is one. */
export function findAccepted(
  list: readonly AcceptedDifference[],
  name: string,
  difference: Difference,
): AcceptedDifference | undefined {
  return list.find(
    (entry) =>
      matchesName(entry.case, name) &&
      matchesName(entry.section, difference.section) &&
      entry.pattern.test(difference.line),
  );
}

/** Entries that speak of one of the cases run and met no difference. */
export function findStale(
  list: readonly AcceptedDifference[],
  used: ReadonlySet<AcceptedDifference>,
  cases: readonly string[],
): readonly AcceptedDifference[] {
  return list.filter(
    (entry) => entry.sometimes !== true && !used.has(entry) && cases.some((name) => matchesName(entry.case, name)),
  );
}
