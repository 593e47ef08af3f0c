import { findWindowSize } from "../../lib/linux/terminal.ts";
import { boolean, type Flag, oneOf } from "../flags.ts";
import type { CtrContext } from "./context.ts";
import { type Column, renderTable } from "./table.ts";

/** `--format`, of every command that lists. */
export const formatFlag = oneOf(["table", "json"], "how to print");

export type Format = ReturnType<typeof formatFlag.parse>;

const STDOUT = 1;

/** `--quiet`, of every command that lists: `what` are ids, names, keys. */
export function quietFlag(what: string): Flag<boolean> {
  return boolean(`print ${what} only`, { short: "q" });
}

/** How items are listed. */
interface ListOptions<T> {
  readonly format: Format;
  readonly columns: readonly Column<T>[];
  readonly describe: (item: T) => unknown;
  /** Wider than the terminal, if need be. */
  readonly isWhole?: boolean;
  /** With `--quiet`: what is printed of each, a line. */
  readonly quiet?: false | ((item: T) => string);
}

/** Items as a table that fits the terminal, or as one JSON document: what `describe` gives of each. */
export async function printList<T>(context: CtrContext, items: readonly T[], how: ListOptions<T>): Promise<void> {
  const { quiet = false } = how;
  if (quiet !== false) return await context.print(items.map((item) => `${quiet(item)}\n`).join(""));
  if (how.format === "json") return await printJson(context, items.map(how.describe));
  const width = how.isWhole === true ? undefined : findWindowSize(context.kernel, STDOUT)?.columns;
  await context.print(renderTable(how.columns, items, width));
}

/** One JSON document, for people and programs. */
export async function printJson(context: CtrContext, value: unknown): Promise<void> {
  await context.print(`${JSON.stringify(value, undefined, 2)}\n`);
}
