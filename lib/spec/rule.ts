/** Takes a fault: the pointer of the property, the value found there and what is allowed instead. */
export type Report = (pointer: string, value: unknown, problem: string) => void;

/**
 * A rule between values that a schema cannot state. Rules run once in a process, in a cold interpreter, so they loop with
 * `for`: JavaScriptCore takes 20 to 80 µs for the first call of each of flatMap(), forEach(), find(), new Set() and even
 * Math.max(), and 10 µs for the first `for (const [index, item] of list.entries())`.
 */
export interface Rule<T> {
  /** Pointers of what the rule reads; it is not asked when one of them, a part of it or what contains it has the wrong shape. */
  readonly reads: readonly string[];
  /** @param at pointer of `value` in the document */
  readonly check: (value: T, at: string, report: Report) => void;
}

/** The rules of a section as rules of the document that contains it; without the section they hold. */
export function rulesOf<T, U>(at: string, find: (document: U) => T | undefined, rules: readonly Rule<T>[]): Rule<U>[] {
  const lifted: Rule<U>[] = [];
  for (const rule of rules) {
    lifted.push({
      // Only asked for when there is a fault.
      get reads() {
        return rule.reads.map((pointer) => at + pointer);
      },
      check(document, base, report) {
        const section = find(document);
        if (section !== undefined) rule.check(section, base + at, report);
      },
    });
  }
  return lifted;
}
