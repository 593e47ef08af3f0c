import { ContainerError } from "../../errors.ts";
import { compileRegularExpression, type RegularExpression } from "./regular-expression.ts";

/** How a selector compares. */
export type Operator = "==" | "!=" | "~=";

/** One selector of a filter: a field that has to be there, or whose value is compared. */
export interface Selector {
  readonly fieldPath: readonly string[];
  readonly test: Test;
}

/** What a selector asks of the value of its field. */
export type Test =
  | { readonly operator: "present" }
  | { readonly operator: "==" | "!="; readonly value: string }
  | { readonly operator: "~="; readonly expression: RegularExpression };

/** Longer filters are refused: they come from clients. */
const MAX_FILTER_CHARS = 16_384;

/**
 * containerd's filters: `selector("," selector)*`, where a selector is `field("." field)*` and, if it compares, an
 * operator and a value. An empty text has no selectors.
 * @throws {ContainerError} invalid_argument, with the place
 */
export function parseFilter(text: string): readonly Selector[] {
  if (text.length > MAX_FILTER_CHARS) {
    throw new ContainerError("invalid_argument", `invalid filter: it has more than ${MAX_FILTER_CHARS} characters`);
  }
  return new Parser(text).selectors();
}

const FIELD = /[A-Za-z0-9_]+/y;
const VALUE = /[^\s,]+/y;
const OPERATOR = /[=!~]+/y;
const SPACE = /\s*/y;
const QUOTES = '"/|';
/** The escapes of a Go string that stand for one character each. */
const ESCAPES: Readonly<Record<string, string>> = {
  a: "\x07",
  b: "\b",
  f: "\f",
  n: "\n",
  r: "\r",
  t: "\t",
  v: "\v",
  "\\": "\\",
};
const NUMERIC_ESCAPE = /x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([0-7]{3})/y;
const MAX_CODE_POINT = 0x10ffff;

class Parser {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  selectors(): readonly Selector[] {
    const found: Selector[] = [];
    if (this.#peek() === "") return found;
    for (;;) {
      found.push(this.#selector());
      if (this.#peek() === "") return found;
      if (this.#peek() !== ",") throw this.#error("expected a comma");
      this.#at++;
    }
  }

  #selector(): Selector {
    const fieldPath = [this.#field()];
    while (this.#peek() === ".") {
      this.#at++;
      fieldPath.push(this.#field());
    }
    const next = this.#peek();
    return { fieldPath, test: next === "" || next === "," ? { operator: "present" } : this.#comparison() };
  }

  #comparison(): Test {
    const operator = this.#take(OPERATOR) ?? "";
    if (operator === "") throw this.#error("expected an operator");
    if (!isOperator(operator)) throw this.#error(`unsupported operator ${JSON.stringify(operator)}`);
    const value = this.#value(operator === "~=");
    return operator === "~="
      ? { operator, expression: compileRegularExpression(value) }
      : { operator: operator === "==" ? "==" : "!=", value };
  }

  #field(): string {
    if (this.#atQuote()) return this.#quoted(false);
    const field = this.#take(FIELD);
    if (field === undefined) throw this.#error("expected a field name or a quoted one");
    return field;
  }

  #value(alternativeQuotes: boolean): string {
    if (this.#atQuote()) return this.#quoted(alternativeQuotes);
    const value = this.#take(VALUE);
    if (value === undefined) throw this.#error("expected a value or a quoted one");
    return value;
  }

  /** `/` and `|` quote regular expressions only, in which escapes that are none of ours stay as they are. */
  #quoted(alternativeQuotes: boolean): string {
    const begin = this.#at;
    const quote = this.#text[this.#at++] ?? "";
    let value = "";
    for (;;) {
      const character = this.#text[this.#at++];
      if (character === undefined || character === "\n") {
        this.#at = begin;
        throw this.#error("quoted text is not terminated");
      }
      if (character === quote) break;
      value += character === "\\" ? this.#escape(quote) : character;
    }
    if (quote !== '"' && !alternativeQuotes) {
      this.#at = begin;
      throw this.#error(`only a regular expression may be quoted by ${quote}`);
    }
    return value;
  }

  #escape(quote: string): string {
    const character = this.#text[this.#at] ?? "";
    if (character === quote) {
      this.#at++;
      return quote;
    }
    if (quote !== '"') {
      this.#at++;
      return `\\${character}`;
    }
    const single = ESCAPES[character];
    if (single !== undefined && Object.hasOwn(ESCAPES, character)) {
      this.#at++;
      return single;
    }
    return this.#numericEscape();
  }

  #numericEscape(): string {
    NUMERIC_ESCAPE.lastIndex = this.#at;
    const match = NUMERIC_ESCAPE.exec(this.#text);
    if (match === null) throw this.#error("illegal escape sequence");
    const [whole, x, u, long, octal] = match;
    const code = octal === undefined ? Number.parseInt(x ?? u ?? long ?? "", 16) : Number.parseInt(octal, 8);
    if (code > MAX_CODE_POINT) throw this.#error("illegal escape sequence");
    this.#at += whole.length;
    return String.fromCodePoint(code);
  }

  #atQuote(): boolean {
    const next = this.#peek();
    return next !== "" && QUOTES.includes(next);
  }

  /** The next character that is no space, or "". */
  #peek(): string {
    SPACE.lastIndex = this.#at;
    this.#at += SPACE.exec(this.#text)?.[0].length ?? 0;
    return this.#text[this.#at] ?? "";
  }

  #take(pattern: RegExp): string | undefined {
    this.#peek();
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#text)?.[0];
    this.#at += found?.length ?? 0;
    return found;
  }

  #error(problem: string): ContainerError {
    const at = `character ${this.#at + 1}`;
    return new ContainerError("invalid_argument", `invalid filter ${JSON.stringify(this.#text)}: ${problem} at ${at}`);
  }
}

function isOperator(text: string): text is Operator {
  return text === "==" || text === "!=" || text === "~=";
}
