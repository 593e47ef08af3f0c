import { explain } from "../../lib/errors.ts";
import { printable } from "../../lib/printable.ts";
import { type Arg, required } from "../args.ts";
import type { CtrContext } from "./context.ts";

/** At most so many arguments of a kind. */
const MAX_ARGUMENTS = 10_000;

/** One argument or more. */
export function several(label: string, summary: string): Arg<readonly string[]> {
  return {
    ...required(label, summary, (given) => given),
    label: `<${label}>...`,
    max: MAX_ARGUMENTS,
    parse: (texts) => texts,
  };
}

/** Any number of arguments. */
export function anyNumber(label: string, summary: string): Arg<readonly string[]> {
  return { ...several(label, summary), label: `[${label}]...`, min: 0 };
}

/**
 * Does something with each of several things, those after a failure, too; prints what `work` gives of each. Returns the exit
 * status: 1 after any failure.
 */
export async function forEach(
  context: CtrContext,
  names: readonly string[],
  work: (name: string) => Promise<string>,
): Promise<number> {
  let status = 0;
  for (const name of names) {
    try {
      await context.print(`${printable(await work(name))}\n`);
    } catch (error) {
      context.warn(explain(error));
      status = 1;
    }
  }
  return status;
}
