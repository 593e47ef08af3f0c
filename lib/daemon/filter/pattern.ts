/** What a regular expression says, as a tree. */
export type Pattern =
  | { readonly kind: "set"; readonly set: CharacterSet }
  | { readonly kind: "assertion"; readonly assertion: Assertion }
  | { readonly kind: "sequence"; readonly items: readonly Pattern[] }
  | { readonly kind: "choice"; readonly items: readonly Pattern[] }
  | { readonly kind: "repeat"; readonly item: Pattern; readonly min: number; readonly max: number };

/** Whether a code point is in a set. */
export type CharacterSet = (point: number) => boolean;

/** What has to be true of a place between two characters. */
export type Assertion = "textStart" | "textEnd" | "lineStart" | "lineEnd" | "wordEdge" | "noWordEdge";

/** A step of the machine: takes a character, forks, or looks at the place. */
type State =
  | { readonly kind: "set"; readonly set: CharacterSet; next: number }
  | { readonly kind: "assertion"; readonly assertion: Assertion; next: number }
  | { readonly kind: "fork"; readonly next: number[] }
  | { readonly kind: "match" };

/** Counted repetitions are written out: without a limit a few characters could ask for any number of states. */
const MAX_STATES = 5_000;

/**
 * A pattern as a machine that is in many states at once (Thompson): the time to match is bounded by the length of the text
 * times the number of states, whatever the pattern.
 */
export class PatternMachine {
  readonly #states: State[] = [{ kind: "match" }];
  readonly #start: number;

  /** @throws {RangeError} for a pattern that would have too many states */
  constructor(pattern: Pattern) {
    this.#start = this.#compile(pattern, 0);
  }

  /** Whether the pattern matches anywhere in a text. */
  test(text: string): boolean {
    const points = Array.from(text, (character) => character.codePointAt(0) ?? 0);
    let current: readonly number[] = [];
    for (let at = 0; at <= points.length; at++) {
      // It may begin at every place.
      const reached = this.#reach([...current, this.#start], points, at);
      if (reached.includes(0)) return true;
      const point = points[at];
      if (point !== undefined) current = this.#advance(reached, point);
    }
    return false;
  }

  #compile(pattern: Pattern, next: number): number {
    switch (pattern.kind) {
      case "set":
        return this.#add({ kind: "set", set: pattern.set, next });
      case "assertion":
        return this.#add({ kind: "assertion", assertion: pattern.assertion, next });
      case "sequence":
        return pattern.items.reduceRight((after, item) => this.#compile(item, after), next);
      case "choice":
        return this.#add({ kind: "fork", next: pattern.items.map((item) => this.#compile(item, next)) });
      case "repeat":
        return this.#compileRepeat(pattern, next);
    }
  }

  #compileRepeat({ item, min, max }: Extract<Pattern, { kind: "repeat" }>, next: number): number {
    let entry = next;
    if (max === Number.POSITIVE_INFINITY) {
      const back: number[] = [next];
      entry = this.#add({ kind: "fork", next: back });
      back.push(this.#compile(item, entry));
    } else {
      for (let n = min; n < max; n++) entry = this.#add({ kind: "fork", next: [next, this.#compile(item, entry)] });
    }
    for (let n = 0; n < min; n++) entry = this.#compile(item, entry);
    return entry;
  }

  #add(state: State): number {
    if (this.#states.length >= MAX_STATES) throw new RangeError("it is too large");
    return this.#states.push(state) - 1;
  }

  /** All states that are reached from some without taking a character. */
  #reach(from: readonly number[], points: readonly number[], at: number): readonly number[] {
    const reached = new Set<number>();
    const pending = [...from];
    for (let number = pending.pop(); number !== undefined; number = pending.pop()) {
      if (reached.has(number)) continue;
      reached.add(number);
      const state = this.#states[number];
      if (state?.kind === "fork") pending.push(...state.next);
      if (state?.kind === "assertion" && holds(state.assertion, points, at)) pending.push(state.next);
    }
    return [...reached];
  }

  #advance(reached: readonly number[], point: number): readonly number[] {
    return reached.flatMap((number) => {
      const state = this.#states[number];
      return state?.kind === "set" && state.set(point) ? [state.next] : [];
    });
  }
}

const NEWLINE = 10;
const WORD = /[0-9A-Za-z_]/;

function isWord(point: number | undefined): boolean {
  return point !== undefined && WORD.test(String.fromCodePoint(point));
}

function holds(assertion: Assertion, points: readonly number[], at: number): boolean {
  const isEdge = isWord(points[at - 1]) !== isWord(points[at]);
  switch (assertion) {
    case "textStart":
      return at === 0;
    case "textEnd":
      return at === points.length;
    case "lineStart":
      return at === 0 || points[at - 1] === NEWLINE;
    case "lineEnd":
      return at === points.length || points[at] === NEWLINE;
    case "wordEdge":
      return isEdge;
    case "noWordEdge":
      return !isEdge;
  }
}
