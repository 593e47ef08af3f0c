import { type BusValue, isNumberType, NUMBER_TYPES, type Variant } from "../../linux/constants/dbus.ts";

/** The words that may stand before a value to say its type. */
const KEYWORDS: Readonly<Record<string, string>> = {
  boolean: "b",
  byte: "y",
  double: "d",
  handle: "h",
  int16: "n",
  int32: "i",
  int64: "x",
  objectpath: "o",
  signature: "g",
  string: "s",
  uint16: "q",
  uint32: "u",
  uint64: "t",
};

const MAX_DEPTH = 16;

/**
 * GVariant text format: a value as people write it (`uint64 100`, `'kill'`, `['a.service', 'b.service']`,
 * `@ay [1, 2]`), with its D-Bus type. A number without a type is an int32, or an int64 where it does not fit.
 * @throws {RangeError} that says what is wrong, and where
 */
export function parseVariant(text: string): Variant {
  const parser = new Parser(text);
  const value = parser.value(undefined, 0);
  parser.end();
  return value;
}

class Parser {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  /** @param wanted the type it has to have; undefined to go by what is written */
  value(wanted: string | undefined, depth: number): Variant {
    if (depth > MAX_DEPTH) throw this.#wrong("too many levels");
    const typed = this.#take(/^@(a*(?:[ybnqiuxtdsog]|\([ybnqiuxtdsogav]+\)|\{[sybnqiuxto][ybnqiuxtdsogav]+\}|v))/);
    if (typed !== undefined) return this.value(this.#agree(wanted, typed[1] ?? ""), depth + 1);
    const word = this.#take(/^([a-z]+[0-9]*)\b/)?.[1];
    if (word === "true" || word === "false") return this.#boolean(word === "true", wanted);
    if (word !== undefined) return this.value(this.#agree(wanted, this.#keyword(word)), depth + 1);
    const next = this.#peek();
    if (next === "'" || next === '"') return this.#string(wanted);
    if (next === "[") return this.#array(wanted, depth);
    if (next === "(") return this.#tuple(wanted, depth);
    if (next === "<") return this.#boxed(wanted, depth);
    return this.#number(wanted);
  }

  /** Nothing may follow. */
  end(): void {
    if (this.#peek() !== undefined) throw this.#wrong("something follows the value");
  }

  #keyword(word: string): string {
    const type = Object.hasOwn(KEYWORDS, word) ? KEYWORDS[word] : undefined;
    if (type === undefined) throw this.#wrong(`no type is called ${JSON.stringify(word)}`);
    return type;
  }

  #boolean(value: boolean, wanted = "b"): Variant {
    if (wanted !== "b") throw this.#wrong(`a boolean is no value of the type "${wanted}"`);
    return { signature: "b", value };
  }

  #string(wanted = "s"): Variant {
    if (!"sog".includes(wanted)) throw this.#wrong(`a string is no value of the type "${wanted}"`);
    const literal = this.#take(/^'((?:[^'\\]|\\.)*)'|^"((?:[^"\\]|\\.)*)"/s);
    if (literal === undefined) throw this.#wrong("a string without its end");
    const escaped = literal[1] ?? literal[2] ?? "";
    const value = escaped.replace(/\\(u[0-9a-f]{4}|U[0-9a-f]{8}|.)/gis, (_, code: string) => unescapeLetter(code));
    if (value.includes("\0")) throw this.#wrong("a string with NUL");
    return { signature: wanted, value };
  }

  #number(wanted: string | undefined): Variant {
    const literal = this.#take(/^[-+]?(0x[0-9a-f]+|[0-9]+(\.[0-9]+)?(e[-+]?[0-9]+)?)/i);
    if (literal === undefined) throw this.#wrong("a value is expected");
    const [text, digits = "", fraction, exponent] = literal;
    if (wanted === "d" || (wanted === undefined && (fraction ?? exponent) !== undefined)) {
      return { signature: "d", value: Number(text) };
    }
    if ((fraction ?? exponent) !== undefined) throw this.#wrong(`${text} is no whole number`);
    const value = text.startsWith("-") ? -BigInt(digits) : BigInt(digits);
    const type = wanted ?? (fits("i", value) ? "i" : "x");
    if (!isNumberType(type)) throw this.#wrong(`a number is no value of the type "${type}"`);
    if (!fits(type, value)) throw this.#wrong(`${text} is out of the range of the type "${type}"`);
    return { signature: type, value };
  }

  /** All elements have the type of the first one. */
  #array(wanted: string | undefined, depth: number): Variant {
    if (wanted !== undefined && !wanted.startsWith("a"))
      throw this.#wrong(`a list is no value of the type "${wanted}"`);
    let type = wanted?.slice(1);
    const values: BusValue[] = [];
    this.#list("[", "]", () => {
      const item = this.value(type, depth + 1);
      type = item.signature;
      values.push(item.value);
    });
    if (type === undefined) throw this.#wrong("an empty list needs its type before it, as in @as []");
    return { signature: `a${type}`, value: values };
  }

  #tuple(wanted: string | undefined, depth: number): Variant {
    if (wanted !== undefined) throw this.#wrong(`give the members of a tuple their types, not the tuple "${wanted}"`);
    const members: Variant[] = [];
    this.#list("(", ")", () => members.push(this.value(undefined, depth + 1)));
    if (members.length === 0) throw this.#wrong("an empty tuple");
    return { signature: `(${members.map(({ signature }) => signature).join("")})`, value: members.map((m) => m.value) };
  }

  #boxed(wanted: string | undefined, depth: number): Variant {
    if (wanted !== undefined && wanted !== "v") throw this.#wrong(`a variant is no value of the type "${wanted}"`);
    this.#expect("<");
    const value = this.value(undefined, depth + 1);
    this.#expect(">");
    return { signature: "v", value };
  }

  #list(open: string, close: string, item: () => void): void {
    this.#expect(open);
    while (this.#peek() !== close) {
      item();
      if (this.#peek() !== close) this.#expect(",");
    }
    this.#expect(close);
  }

  #expect(letter: string): void {
    if (this.#peek() !== letter) throw this.#wrong(`"${letter}" is expected`);
    this.#at++;
  }

  #agree(wanted: string | undefined, given: string): string {
    if (wanted !== undefined && wanted !== given) throw this.#wrong(`"${given}" stands where "${wanted}" is wanted`);
    return given;
  }

  #peek(): string | undefined {
    this.#skipSpace();
    return this.#text[this.#at];
  }

  #take(pattern: RegExp): RegExpExecArray | undefined {
    this.#skipSpace();
    const found = pattern.exec(this.#text.slice(this.#at));
    if (found === null) return undefined;
    this.#at += found[0].length;
    return found;
  }

  #skipSpace(): void {
    while (/\s/.test(this.#text[this.#at] ?? "")) this.#at++;
  }

  #wrong(why: string): RangeError {
    return new RangeError(`${why} (at character ${this.#at + 1})`);
  }
}

function fits(type: keyof typeof NUMBER_TYPES, value: bigint): boolean {
  return value >= NUMBER_TYPES[type].min && value <= NUMBER_TYPES[type].max;
}

const ESCAPES: Readonly<Record<string, string>> = { a: "\x07", b: "\b", f: "\f", n: "\n", r: "\r", t: "\t", v: "\v" };

function unescapeLetter(code: string): string {
  if (code.length > 1) return String.fromCodePoint(Math.min(Number.parseInt(code.slice(1), 16), 0x10_ffff));
  return ESCAPES[code] ?? code;
}
