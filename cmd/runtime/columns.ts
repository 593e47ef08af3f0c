const MIN_WIDTH = 12;
const PADDING = 3;

/** Go's text/tabwriter as runc sets it up: cells of at least 12 characters, 3 of them space; the last cell as it is. */
export function formatColumns(rows: readonly (readonly string[])[]): string {
  const widths: number[] = [];
  for (const row of rows) {
    for (const [column, cell] of row.slice(0, -1).entries()) {
      widths[column] = Math.max(widths[column] ?? MIN_WIDTH, characters(cell) + PADDING);
    }
  }
  const line = (row: readonly string[]): string =>
    row.map((cell, column) => (column === row.length - 1 ? cell : pad(cell, widths[column] ?? 0))).join("");
  return rows.map((row) => `${line(row)}\n`).join("");
}

function pad(cell: string, width: number): string {
  return cell + " ".repeat(width - characters(cell));
}

function characters(cell: string): number {
  return Array.from(cell).length;
}
