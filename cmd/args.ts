import type { Values } from "./flags.ts";
import { UsageError } from "./usage-error.ts";

/** One argument by position. `parse` gets between `min` and `max` texts. */
export interface Arg<T> {
  /** As usage lines show it, e.g. `<container-id>`. */
  readonly label: string;
  readonly summary: string;
  readonly min: number;
  readonly max: number;
  readonly parse: (texts: readonly string[]) => T;
}

export type Args = Readonly<Record<string, Arg<unknown>>>;

/** An argument that must be given. */
export function required<T>(label: string, summary: string, parse: (given: string) => T): Arg<T> {
  return { label: `<${label}>`, summary, min: 1, max: 1, parse: ([given = ""]) => parse(given) };
}

/** An argument that may be left out; `fallback` stands for it then. */
export function optional<T>(label: string, summary: string, fallback: string, parse: (given: string) => T): Arg<T> {
  return { label: `[${label}]`, summary, min: 0, max: 1, parse: ([given = fallback]) => parse(given) };
}

/** Gives each argument of the command `name` its texts. @throws {UsageError} when there are too few or too many */
export function parseArgs<A extends Args>(name: string, args: A, texts: readonly string[]): Values<A> {
  checkCount(name, args, texts.length);
  const values: Record<string, unknown> = {};
  let from = 0;
  for (const key in args) {
    const arg = args[key];
    values[key] = arg?.parse(texts.slice(from, from + arg.max));
    from += arg?.max ?? 0;
  }
  return values as Values<A>;
}

function checkCount(name: string, args: Args, given: number): void {
  let min = 0;
  let max = 0;
  for (const key in args) {
    min += args[key]?.min ?? 0;
    max += args[key]?.max ?? 0;
  }
  if (given >= min && given <= max) return;
  const wanted = min === max ? `exactly ${min}` : given < min ? `a minimum of ${min}` : `a maximum of ${max}`;
  throw new UsageError(`${JSON.stringify(name)} requires ${wanted} argument(s)`);
}
