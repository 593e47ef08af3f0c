import type { CharacterSet } from "./pattern.ts";

/** The set of one code point. */
export function only(wanted: number): CharacterSet {
  return (point) => point === wanted;
}

/** The code points between two, both included. */
export function between(low: number, high: number): CharacterSet {
  return (point) => point >= low && point <= high;
}

/** What is in any of some sets. */
export function anyOf(sets: readonly CharacterSet[]): CharacterSet {
  return (point) => sets.some((set) => set(point));
}

export function not(set: CharacterSet): CharacterSet {
  return (point) => !set(point);
}

/** Letters of both cases, when one of them is in the set. */
export function folded(set: CharacterSet): CharacterSet {
  return (point) => {
    const character = String.fromCodePoint(point);
    return set(point) || set(pointOf(character.toLowerCase())) || set(pointOf(character.toUpperCase()));
  };
}

function pointOf(character: string): number {
  return character.codePointAt(0) ?? 0;
}

/** A set by what JavaScript matches with one character: that is bounded, whatever the class. */
function byExpression(source: string): CharacterSet {
  const expression = new RegExp(`^[${source}]$`, "u");
  return (point) => expression.test(String.fromCodePoint(point));
}

/** RE2's classes of one letter; the capital is what is not in it. */
const LETTERS: Readonly<Record<string, string>> = { d: "0-9", s: "\\t\\n\\f\\r ", w: "0-9A-Za-z_" };

/** The class of `\d`, `\S` …; undefined for a letter that is none. */
export function classOf(letter: string): CharacterSet | undefined {
  const source = LETTERS[letter.toLowerCase()];
  if (source === undefined) return undefined;
  return letter === letter.toLowerCase() ? byExpression(source) : not(byExpression(source));
}

const POSIX: Readonly<Record<string, string>> = {
  ...{
    alnum: "0-9A-Za-z",
    alpha: "A-Za-z",
    ascii: "\\x00-\\x7f",
    blank: "\\t ",
    cntrl: "\\x00-\\x1f\\x7f",
    digit: "0-9",
  },
  ...{ graph: "!-~", lower: "a-z", print: " -~", punct: "!-\\/:-@\\[-`\\{-~", space: "\\t\\n\\v\\f\\r ", upper: "A-Z" },
  ...{ word: "0-9A-Za-z_", xdigit: "0-9A-Fa-f" },
};

/** The class of `[:alpha:]`, `[:^digit:]` …; undefined for a name that is none. */
export function posixClass(name: string): CharacterSet | undefined {
  const isNot = name.startsWith("^");
  const source = Object.hasOwn(POSIX, isNot ? name.slice(1) : name) ? POSIX[isNot ? name.slice(1) : name] : undefined;
  if (source === undefined) return undefined;
  return isNot ? not(byExpression(source)) : byExpression(source);
}

/** The class of `\pL`, `\p{Greek}`, `\P{^Lu}` …; undefined for a name that is none. */
export function unicodeClass(name: string, isNegated: boolean): CharacterSet | undefined {
  const isNot = name.startsWith("^") !== isNegated;
  const plain = name.replace(/^\^/, "");
  if (!/^[A-Za-z_]+$/.test(plain)) return undefined;
  for (const source of [`\\p{General_Category=${plain}}`, `\\p{Script=${plain}}`]) {
    try {
      const set = byExpression(source);
      return isNot ? not(set) : set;
    } catch {
      // It may be the other one.
    }
  }
  return undefined;
}
