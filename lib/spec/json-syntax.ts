/** Where a text stops being JSON. */
export interface SyntaxFault {
  /** From 1. */
  readonly line: number;
  /** From 1, in UTF-16 units. */
  readonly column: number;
  /** `expected …, found …` */
  readonly problem: string;
}

/** RFC 8259: finds the first fault of a text that JSON.parse() refused; JavaScriptCore's message does not say where it is. */
export function locateSyntaxError(text: string): SyntaxFault {
  const scanner = new Scanner(text);
  const expected = scanner.document() ?? "valid JSON";
  const before = text.slice(0, scanner.offset);
  const lineStart = before.lastIndexOf("\n") + 1;
  const found = text.slice(scanner.offset, scanner.offset + 1);
  return {
    line: before.split("\n").length,
    column: scanner.offset - lineStart + 1,
    problem: `expected ${expected}, found ${found === "" ? "the end of the text" : JSON.stringify(found)}`,
  };
}

const SPACE = /[ \t\n\r]*/y;
const STRING = /"(?:[ !#-[\]-\uffff]|\\(?:["\\/bfnrt]|u[0-9A-Fa-f]{4}))*"/y;
/** As much of a string as is right. */
const STRING_START = /"(?:[ !#-[\]-\uffff]|\\(?:["\\/bfnrt]|u[0-9A-Fa-f]{4}))*/y;
const SCALAR = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?|true|false|null/y;

/** Every method reads one thing and returns undefined, or what should have stood at `offset`. */
class Scanner {
  offset = 0;
  readonly #text: string;

  constructor(text: string) {
    this.#text = text;
  }

  document(): string | undefined {
    return this.#value() ?? (this.offset < this.#text.length ? "the end of the text" : undefined);
  }

  #value(): string | undefined {
    this.#skip(SPACE);
    const expected = this.#bareValue();
    if (expected === undefined) this.#skip(SPACE);
    return expected;
  }

  #bareValue(): string | undefined {
    if (this.#take("{")) return this.#list("}", () => this.#member());
    if (this.#take("[")) return this.#list("]", () => this.#value());
    if (this.#text[this.offset] === '"') return this.#string();
    return this.#skip(SCALAR) ? undefined : "a value";
  }

  #list(end: string, item: () => string | undefined): string | undefined {
    this.#skip(SPACE);
    if (this.#take(end)) return undefined;
    for (;;) {
      const expected = item();
      if (expected !== undefined) return expected;
      if (this.#take(end)) return undefined;
      if (!this.#take(",")) return `"," or "${end}"`;
    }
  }

  #member(): string | undefined {
    this.#skip(SPACE);
    if (this.#text[this.offset] !== '"') return "a property name in double quotes";
    const expected = this.#string();
    if (expected !== undefined) return expected;
    this.#skip(SPACE);
    return this.#take(":") ? this.#value() : '":"';
  }

  #string(): string | undefined {
    if (this.#skip(STRING)) return undefined;
    this.#skip(STRING_START);
    return this.#text[this.offset] === "\\" ? "a valid escape" : "the closing quote of a string";
  }

  #take(character: string): boolean {
    if (this.#text[this.offset] !== character) return false;
    this.offset++;
    return true;
  }

  #skip(pattern: RegExp): boolean {
    pattern.lastIndex = this.offset;
    if (!pattern.test(this.#text)) return false;
    this.offset = pattern.lastIndex;
    return true;
  }
}
