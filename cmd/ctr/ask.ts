import { findAttributes } from "../../lib/linux/terminal.ts";
import { UsageError } from "../usage-error.ts";
import type { CtrContext } from "./context.ts";

const STDIN = 0;

/** Asks whoever sits at the terminal whether to remove what is named. @throws {UsageError} when nobody does */
export async function mayRemove(
  context: CtrContext,
  { names, what }: { readonly names: readonly string[]; readonly what: string },
): Promise<boolean> {
  if (findAttributes(context.kernel, STDIN) === undefined) {
    throw new UsageError(`nobody can be asked whether to remove ${what}s: use --force`);
  }
  for (const name of names) context.printError(`${name}\n`);
  context.printError(`Remove ${names.length === 1 ? `this ${what}` : `these ${names.length} ${what}s`}? [y/N] `);
  for await (const line of console) return /^y(?:es)?$/i.test(line.trim());
  return false;
}
