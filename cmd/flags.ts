/** One option. `parse` gets every value given, in order; none when the option was not given. */
export interface Flag<T> {
  readonly summary: string;
  readonly kind: "boolean" | "text" | "path" | "number";
  /** A second name of one letter, without the dash. */
  readonly short?: string;
  /** What help calls the value, e.g. `DIR`. */
  readonly label?: string;
  /** What help shows as the default. */
  readonly defaultText?: string;
  /** The closed set that the value is one of, for completion. */
  readonly words?: readonly string[];
  /** Accepted, but not shown: obsolete, or there for one engine only. */
  readonly hidden?: boolean;
  /** @throws {TypeError} with what is allowed, when the value is not */
  readonly parse: (texts: readonly string[]) => T;
}

export type Flags = Readonly<Record<string, Flag<unknown>>>;

/** The values that a record of flags or arguments parses to. */
export type Values<S> = {
  readonly [K in keyof S]: S[K] extends { parse: (texts: readonly string[]) => infer T } ? T : never;
};

interface FlagOptions {
  readonly short?: string;
  readonly label?: string;
  readonly hidden?: boolean;
}

/** `--all`, `--all=false`; Go's spellings of true and false. */
export function boolean(summary: string, options: FlagOptions = {}): Flag<boolean> {
  return { summary, kind: "boolean", ...options, parse: (texts) => parseBoolean(last(texts) ?? "false") };
}

const TRUE_WORDS = ["true", "1", "t", "T", "TRUE", "True"];
const FALSE_WORDS = ["false", "0", "f", "F", "FALSE", "False"];

/** Go's strconv.ParseBool. @throws {TypeError} */
export function parseBoolean(given: string): boolean {
  if (FALSE_WORDS.includes(given)) return false;
  if (TRUE_WORDS.includes(given)) return true;
  throw new TypeError("must be true or false");
}

/** Any text; the last one given wins. */
export function text(summary: string, options: FlagOptions = {}): Flag<string | undefined> {
  return { summary, kind: "text", ...options, parse: (texts) => last(texts) };
}

/** The name of a file or directory; an empty one counts as not given, as it does for runc. */
export function path(summary: string, options: FlagOptions = {}): Flag<string | undefined> {
  return { summary, kind: "path", ...options, parse: (texts) => last(texts) || undefined };
}

/** Every value given, in order; never split at commas. */
export function repeated(summary: string, options: FlagOptions = {}): Flag<readonly string[]> {
  return { summary, kind: "text", ...options, parse: (texts) => texts };
}

/** A whole number of 0 or more; 0 when not given. */
export function count(summary: string, options: FlagOptions = {}): Flag<number> {
  return { summary, kind: "number", defaultText: "0", ...options, parse: (texts) => parseCount(last(texts) ?? "0") };
}

function parseCount(digits: string): number {
  if (digits === "0") return 0;
  const value = /^\d+$/.test(digits) ? Number(digits) : Number.NaN;
  if (!Number.isSafeInteger(value)) throw new TypeError("must be a whole number of 0 or more");
  return value;
}

/** One word of a closed set; the first is the default. */
export function oneOf<const W extends string>(
  words: readonly [W, ...W[]],
  summary: string,
  options: FlagOptions = {},
): Flag<W> {
  return {
    summary: `${summary}: ${words.join(" or ")}`,
    kind: "text",
    defaultText: words[0],
    words,
    ...options,
    parse(texts) {
      const given = last(texts);
      if (given === undefined) return words[0];
      const word = words.find((candidate) => candidate === given);
      if (word === undefined) throw new TypeError(`must be ${words.join(" or ")}`);
      return word;
    },
  };
}

/** `consoleSocket` → `console-socket` */
export function flagName(key: string): string {
  return key.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

/** Of several values for one option the last one counts. */
export function last(texts: readonly string[]): string | undefined {
  return texts[texts.length - 1];
}
