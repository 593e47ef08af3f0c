/** A goal of docs: the ratio to a peer that a figure may have at most. */
export interface Goal {
  readonly peer: string;
  readonly atMost: number;
}

/** One row: a figure per runtime, and the goals for the candidate. */
export interface Row {
  readonly name: string;
  readonly unit: "ms" | "KiB";
  readonly figures: ReadonlyMap<string, number>;
  readonly goals: readonly Goal[];
}

/** What became of one goal. */
export interface Verdict {
  readonly text: string;
  /** Undefined where a figure is missing. */
  readonly met: boolean | undefined;
}

/** Compares the candidate's figure with each goal. */
export function judgeRow(row: Row, candidate: string): readonly Verdict[] {
  const own = row.figures.get(candidate);
  return row.goals.map(({ peer, atMost }) => {
    const other = row.figures.get(peer);
    const name = `${row.name} beside ${peer}, at most ${atMost}`;
    if (own === undefined || other === undefined)
      return { text: `${name}: no figure of ${own === undefined ? candidate : peer}`, met: undefined };
    const ratio = own / other;
    return { text: `${name}: ${ratio.toFixed(3)}`, met: ratio <= atMost };
  });
}

function formatFigure(value: number | undefined, unit: Row["unit"]): string {
  if (value === undefined) return "–";
  return unit === "ms" ? `${value.toFixed(2)} ms` : `${Math.round(value)} KiB`;
}

function formatRatios(row: Row, candidate: string): string {
  const own = row.figures.get(candidate);
  const parts = row.goals.map(({ peer, atMost }) => {
    const other = row.figures.get(peer);
    if (own === undefined || other === undefined) return `${peer} –`;
    const ratio = own / other;
    return `${peer} ${ratio.toFixed(ratio < 0.1 ? 3 : 2)} (goal ${atMost}: ${ratio <= atMost ? "met" : "not met"})`;
  });
  return parts.join("; ");
}

/** The table as Markdown. */
export function formatTable(rows: readonly Row[], runtimes: readonly string[], candidate: string): string {
  const head = ["Work", ...runtimes, `${candidate} beside`];
  const lines = rows.map((row) => [
    row.name,
    ...runtimes.map((name) => formatFigure(row.figures.get(name), row.unit)),
    formatRatios(row, candidate),
  ]);
  const widths = head.map((_, column) => Math.max(...[head, ...lines].map((line) => (line[column] ?? "").length)));
  const format = (line: readonly string[]): string =>
    `| ${line.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(" | ")} |`;
  return [format(head), format(widths.map((width) => "-".repeat(width))), ...lines.map(format)].join("\n");
}
