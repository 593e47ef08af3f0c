import { printable } from "../../lib/printable.ts";

/** A column of a table, and what its cells say of an item. */
export interface Column<T> {
  readonly title: string;
  readonly cell: (item: T) => string;
  /** It may be cut where the terminal has no room for all of it. */
  readonly canShrink?: boolean;
  readonly isRight?: boolean;
}

const GAP = "  ";
/** No column is cut to less. */
const MIN_WIDTH = 8;
const ELLIPSIS = "…";

/** Items as lines of columns; not wider than `width`, as far as columns can shrink, where it is known. */
export function renderTable<T>(columns: readonly Column<T>[], items: readonly T[], width: number | undefined): string {
  const rows = [columns.map(({ title }) => title), ...items.map((item) => columns.map((each) => show(each, item)))];
  const wanted = columns.map((_, index) => Math.max(...rows.map((row) => widthOf(row[index] ?? ""))));
  const widths = width === undefined ? wanted : shrink(columns, wanted, width);
  return rows.map((row) => `${renderRow(columns, row, widths)}\n`).join("");
}

function show<T>({ cell }: Column<T>, item: T): string {
  const text = printable(cell(item));
  return text === "" ? "-" : text;
}

/** Takes from the widest column that can shrink, until all fit or none can give any more. */
function shrink<T>(columns: readonly Column<T>[], wanted: readonly number[], width: number): readonly number[] {
  const widths = [...wanted];
  const shrinkable = columns.flatMap(({ canShrink = false }, index) => (canShrink ? [index] : []));
  const widthAt = (index: number) => widths[index] ?? 0;
  let over = widths.reduce((sum, each) => sum + each, GAP.length * (columns.length - 1)) - width;
  for (; over > 0; over--) {
    const [widest] = shrinkable.toSorted((a, b) => widthAt(b) - widthAt(a));
    if (widest === undefined || widthAt(widest) <= MIN_WIDTH) return widths;
    widths[widest] = widthAt(widest) - 1;
  }
  return widths;
}

function renderRow<T>(columns: readonly Column<T>[], row: readonly string[], widths: readonly number[]): string {
  const cells = row.map((text, index) => {
    const width = widths[index] ?? 0;
    const cut = widthOf(text) > width ? cutTo(text, width) : text;
    const padding = " ".repeat(width - widthOf(cut));
    return columns[index]?.isRight === true ? padding + cut : cut + padding;
  });
  return cells.join(GAP).trimEnd();
}

function cutTo(text: string, width: number): string {
  let kept = "";
  for (const character of text) {
    if (widthOf(kept + character) > width - 1) break;
    kept += character;
  }
  return kept + ELLIPSIS;
}

function widthOf(text: string): number {
  return Bun.stringWidth(text);
}
