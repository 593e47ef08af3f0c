import type { AttackSite } from "./attack-site.ts";

/** A change of the source that takes a defence away. */
export interface Edit {
  /** Below the root of the tree. */
  readonly file: string;
  /** Occurs once in that file. */
  readonly from: string;
  readonly to: string;
}

/** Something that has been done to a runtime, or could be. */
export interface Attack {
  readonly name: string;
  /** Where it is known from. */
  readonly row: string;
  /** What is tried, for the table. */
  readonly what: string;
  /** All that tsrun has to lack for it to succeed; not given where an older runc shows that it works. */
  readonly mutant?: readonly Edit[];
  /** Needs luck: a runtime that is listed as broken may hold all the same. */
  readonly isRace?: boolean;
  /** Tries it. Gives a text for each thing that has come of it; none when the runtime held, by a refusal or otherwise. */
  readonly run: (site: AttackSite) => Promise<readonly string[]>;
}

/** What a text that is not empty shows. */
export function damageIf(isDone: boolean, what: string): readonly string[] {
  return isDone ? [what] : [];
}
