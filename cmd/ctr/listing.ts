import { findWindowSize } from "../../lib/linux/terminal.ts";
import { oneOf } from "../flags.ts";
import type { CtrContext } from "./context.ts";
import { type Column, renderTable } from "./table.ts";

/** `--format`, of every command that lists. */
export const formatFlag = oneOf(["table", "json"], "how to print");

export type Format = ReturnType<typeof formatFlag.parse>;

const STDOUT = 1;

/** Items as a table that fits the terminal, or as one JSON document: what `describe` gives of each. */
export async function printList<T>(
  context: CtrContext,
  items: readonly T[],
  how: { readonly format: Format; readonly columns: readonly Column<T>[]; readonly describe: (item: T) => unknown },
): Promise<void> {
  if (how.format === "json") return await printJson(context, items.map(how.describe));
  await context.print(renderTable(how.columns, items, findWindowSize(context.kernel, STDOUT)?.columns));
}

/** One JSON document, for people and programs. */
export async function printJson(context: CtrContext, value: unknown): Promise<void> {
  await context.print(`${JSON.stringify(value, undefined, 2)}\n`);
}
