import { anyOf, between, classOf, folded, not, only, posixClass, unicodeClass } from "./character-sets.ts";
import type { CharacterSet, Pattern } from "./pattern.ts";

interface Flags {
  readonly i: boolean;
  readonly m: boolean;
  readonly s: boolean;
}

const NO_FLAGS: Flags = { i: false, m: false, s: false };
const EMPTY: Pattern = { kind: "sequence", items: [] };
/** RE2: as many times a repetition may be counted. */
const MAX_COUNT = 1000;
const NEWLINE = 10;
const CONTROLS: Readonly<Record<string, number>> = { a: 7, f: 12, t: 9, n: 10, r: 13, v: 11 };

/** Parses RE2's syntax, as Go's regexp has it. @throws {SyntaxError} that says what is wrong */
export function parsePattern(source: string): Pattern {
  return new PatternParser(source).parse();
}

class PatternParser {
  readonly #source: readonly string[];
  #at = 0;
  #flags = NO_FLAGS;

  constructor(source: string) {
    this.#source = Array.from(source);
  }

  parse(): Pattern {
    const pattern = this.#choice();
    if (this.#at < this.#source.length) throw new SyntaxError("unexpected )");
    return pattern;
  }

  #peek(): string | undefined {
    return this.#source[this.#at];
  }

  #next(): string {
    const character = this.#source[this.#at];
    if (character === undefined) throw new SyntaxError("it ends too early");
    this.#at += 1;
    return character;
  }

  #take(text: string): boolean {
    const isThere = this.#source.slice(this.#at, this.#at + text.length).join("") === text;
    if (isThere) this.#at += text.length;
    return isThere;
  }

  /** What matches at the place, which is passed. */
  #takeMatch(expression: RegExp): RegExpExecArray | undefined {
    const found = expression.exec(this.#source.slice(this.#at).join(""));
    if (found === null) return undefined;
    this.#at += Array.from(found[0]).length;
    return found;
  }

  #choice(): Pattern {
    // Flags that are set in a group end with it.
    const outer = this.#flags;
    const items = [this.#sequence()];
    while (this.#take("|")) items.push(this.#sequence());
    this.#flags = outer;
    return items.length === 1 ? (items[0] ?? EMPTY) : { kind: "choice", items };
  }

  #sequence(): Pattern {
    const items: Pattern[] = [];
    for (let next = this.#peek(); next !== undefined && next !== "|" && next !== ")"; next = this.#peek()) {
      const found = this.#take("\\Q") ? this.#quoted() : [this.#atom()];
      // Of a quoted text the last character is repeated.
      items.push(...found.slice(0, -1), ...found.slice(-1).map((item) => this.#repeated(item)));
    }
    return { kind: "sequence", items };
  }

  #quoted(): readonly Pattern[] {
    const items: Pattern[] = [];
    while (this.#peek() !== undefined && !this.#take("\\E")) items.push(this.#literal(this.#next()));
    return items;
  }

  #repeated(item: Pattern): Pattern {
    const count = this.#count();
    if (count === undefined) return item;
    // Whether it takes as much as it can is the same for who asks whether it matches.
    this.#take("?");
    if (this.#count() !== undefined) throw new SyntaxError("nested repetition");
    return { kind: "repeat", item, ...count };
  }

  #count(): { readonly min: number; readonly max: number } | undefined {
    if (this.#take("*")) return { min: 0, max: Number.POSITIVE_INFINITY };
    if (this.#take("+")) return { min: 1, max: Number.POSITIVE_INFINITY };
    if (this.#take("?")) return { min: 0, max: 1 };
    // Any other brace is itself.
    const found = this.#takeMatch(/^\{(\d+)(,(\d*))?\}/);
    if (found === undefined) return undefined;
    const [, low = "", comma, high = ""] = found;
    const min = Number(low);
    const bounded = high === "" ? Number.POSITIVE_INFINITY : Number(high);
    const max = comma === undefined ? min : bounded;
    const isTooLarge = min > MAX_COUNT || (max > MAX_COUNT && max !== Number.POSITIVE_INFINITY);
    if (isTooLarge || max < min) throw new SyntaxError(`invalid repeat count ${found[0]}`);
    return { min, max };
  }

  #atom(): Pattern {
    const character = this.#next();
    switch (character) {
      case "(":
        return this.#group();
      case "[":
        return this.#set(this.#bracket());
      case ".":
        return this.#set(this.#flags.s ? () => true : not(only(NEWLINE)));
      case "^":
        return { kind: "assertion", assertion: this.#flags.m ? "lineStart" : "textStart" };
      case "$":
        return { kind: "assertion", assertion: this.#flags.m ? "lineEnd" : "textEnd" };
      case "\\":
        return this.#escaped();
      case "*":
      case "+":
      case "?":
        throw new SyntaxError(`nothing to repeat before ${character}`);
      default:
        return this.#literal(character);
    }
  }

  #literal(character: string): Pattern {
    return this.#set(only(character.codePointAt(0) ?? 0));
  }

  #set(set: CharacterSet): Pattern {
    return { kind: "set", set: this.#flags.i ? folded(set) : set };
  }

  #group(): Pattern {
    const outer = this.#flags;
    if (this.#take("?")) {
      const isNamed = this.#takeMatch(/^P?<[A-Za-z0-9_]+>/) !== undefined;
      if (!isNamed && this.#setFlags() === ")") return EMPTY;
    }
    const pattern = this.#choice();
    if (!this.#take(")")) throw new SyntaxError("missing )");
    this.#flags = outer;
    return pattern;
  }

  /** `(?i)`, for what follows, and `(?i:`, for the group: tells by what they have ended. */
  #setFlags(): string {
    const found = this.#takeMatch(/^([imsU]*)(?:-([imsU]+))?([:)])/);
    if (found === undefined) throw new SyntaxError("unknown group: it looks around, perhaps");
    const [, on = "", off = "", end = ""] = found;
    const value = (flag: keyof Flags) => (on.includes(flag) || this.#flags[flag]) && !off.includes(flag);
    this.#flags = { i: value("i"), m: value("m"), s: value("s") };
    return end;
  }

  #escaped(): Pattern {
    const assertion = { A: "textStart", z: "textEnd", b: "wordEdge", B: "noWordEdge" } as const;
    const letter = this.#peek() ?? "";
    if (letter === "A" || letter === "z" || letter === "b" || letter === "B") {
      this.#at += 1;
      return { kind: "assertion", assertion: assertion[letter] };
    }
    return this.#set(this.#escapedClass() ?? only(this.#escapedPoint()));
  }

  /** A class after a backslash; undefined when it is no class. */
  #escapedClass(): CharacterSet | undefined {
    const property = this.#takeMatch(/^([pP])(?:\{(\^?\w+)\}|([A-Z]))/);
    if (property !== undefined) {
      const name = property[2] ?? property[3] ?? "";
      const set = unicodeClass(name, property[1] === "P");
      if (set === undefined) throw new SyntaxError(`unknown class ${name}`);
      return set;
    }
    const set = classOf(this.#peek() ?? "");
    if (set !== undefined) this.#at += 1;
    return set;
  }

  /** A code point after a backslash. */
  #escapedPoint(): number {
    const hex = this.#takeMatch(/^x(?:\{([0-9A-Fa-f]{1,6})\}|([0-9A-Fa-f]{2}))/);
    if (hex !== undefined) return checkedPoint(Number.parseInt(hex[1] ?? hex[2] ?? "", 16));
    const octal = this.#takeMatch(/^(?:0[0-7]{0,2}|[1-7][0-7]{1,2})/);
    if (octal !== undefined) return Number.parseInt(octal[0], 8);
    const character = this.#next();
    const control = CONTROLS[character];
    if (control !== undefined) return control;
    if (/[0-9A-Za-z]/.test(character)) throw new SyntaxError(`invalid escape sequence \\${character}`);
    return character.codePointAt(0) ?? 0;
  }

  #bracket(): CharacterSet {
    const isNegated = this.#take("^");
    const sets: CharacterSet[] = [];
    // The first one may be the bracket itself.
    for (let isFirst = true; isFirst || this.#peek() !== "]"; isFirst = false) sets.push(this.#member());
    this.#at += 1;
    return isNegated ? not(anyOf(sets)) : anyOf(sets);
  }

  #member(): CharacterSet {
    const posix = this.#takeMatch(/^\[:(\^?\w+):\]/);
    if (posix !== undefined) {
      const set = posixClass(posix[1] ?? "");
      if (set === undefined) throw new SyntaxError(`unknown class ${posix[0]}`);
      return set;
    }
    const low = this.#next();
    const set = low === "\\" ? this.#escapedClass() : undefined;
    if (set !== undefined) return set;
    const first = low === "\\" ? this.#escapedPoint() : (low.codePointAt(0) ?? 0);
    if (this.#peek() !== "-" || this.#source[this.#at + 1] === "]") return only(first);
    this.#at += 1;
    const high = this.#next();
    const last = high === "\\" ? this.#escapedPoint() : (high.codePointAt(0) ?? 0);
    if (last < first) throw new SyntaxError("invalid range");
    return between(first, last);
  }
}

const MAX_POINT = 0x10_ffff;

function checkedPoint(point: number): number {
  if (point > MAX_POINT) throw new SyntaxError("no such character");
  return point;
}
