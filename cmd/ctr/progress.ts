import { findWindowSize } from "../../lib/linux/terminal.ts";
import { printable } from "../../lib/printable.ts";
import type { Progress } from "../../lib/registry/progress.ts";
import type { CtrContext } from "./context.ts";
import { sizeText } from "./units.ts";

const STDERR = 2;
const NAME_CHARS = 28;
const STATUS_CHARS = 14;
const AMOUNT_CHARS = 17;
const MIN_BAR_CHARS = 8;
const MAX_BAR_CHARS = 40;
const DIGEST_DIGITS = 12;
const INTERVAL_MS = 50;

/** What is known of one blob. */
interface Row {
  readonly name: string;
  readonly event: string;
  readonly done: number;
  readonly total: number;
}

/** Shows how a transfer goes on, on standard error: bars on a terminal, a line for each change elsewhere. */
export class ProgressView {
  readonly #context: CtrContext;
  readonly #isQuiet: boolean;
  readonly #rows = new Map<string, Row>();
  #drawnLines = 0;
  #drawnMs = 0;

  constructor(context: CtrContext, isQuiet: boolean) {
    this.#context = context;
    this.#isQuiet = isQuiet;
  }

  /** To be told of each step; a sentence about the whole is no row. */
  report(progress: Progress): void {
    const { name, event, parents = [] } = progress;
    if (this.#isQuiet || parents.length === 0) return;
    const known = this.#rows.get(name);
    const total = progress.total ?? known?.total ?? 0;
    const row: Row = { name, event, total, done: doneOf(progress, known, total) };
    this.#rows.set(name, row);
    const isNews = known?.event !== event;
    const window = findWindowSize(this.#context.kernel, STDERR);
    if (window !== undefined) this.#draw(window, isNews);
    else if (isNews && event !== "waiting" && event !== "downloading" && event !== "uploading") {
      this.#context.printError(`${shortName(row)}: ${event}\n`);
    }
  }

  /** The last look. */
  end(): void {
    const window = findWindowSize(this.#context.kernel, STDERR);
    if (window !== undefined && this.#rows.size > 0) this.#draw(window, true);
    this.#drawnLines = 0;
  }

  #draw({ rows, columns }: { readonly rows: number; readonly columns: number }, isNews: boolean): void {
    const now = performance.now();
    if (!isNews && now - this.#drawnMs < INTERVAL_MS) return;
    this.#drawnMs = now;
    const lines = renderRows([...this.#rows.values()], { rows, columns });
    const up = this.#drawnLines === 0 ? "" : `\u001b[${this.#drawnLines}A`;
    const cleared = lines.map((line) => `\u001b[2K${line}\n`).join("");
    this.#context.printError(`${up}\r${cleared}`);
    this.#drawnLines = lines.length;
  }
}

function doneOf({ event, progress }: Progress, known: Row | undefined, total: number): number {
  if (event === "complete" || event === "already exists" || event === "extracted") return total;
  return progress ?? known?.done ?? 0;
}

/** Rows as lines that fit a terminal; when there are more than that has lines, those that are not over, as far as they fit. */
export function renderRows(
  rows: readonly Row[],
  window: { readonly rows: number; readonly columns: number },
): readonly string[] {
  const room = Math.max(1, window.rows - 1);
  const isOver = ({ event }: Row) => event === "complete" || event === "already exists" || event === "extracted";
  const shown =
    rows.length <= room ? rows : [...rows.filter((row) => !isOver(row)), ...rows.filter(isOver)].slice(0, room);
  return shown.map((row) => renderRow(row, window.columns));
}

function renderRow(row: Row, columns: number): string {
  const { event, done, total } = row;
  const amount = total === 0 ? "" : `${sizeText(done)}/${sizeText(total)}`;
  const width = columns - 1;
  const bare = `${pad(shortName(row), NAME_CHARS)} ${pad(printable(event), STATUS_CHARS)}`;
  const barChars = Math.min(MAX_BAR_CHARS, width - NAME_CHARS - STATUS_CHARS - AMOUNT_CHARS - 5);
  if (barChars < MIN_BAR_CHARS) return `${bare} ${amount}`.slice(0, width).trimEnd();
  const filled = total === 0 ? 0 : Math.round((barChars * Math.min(done, total)) / total);
  const bar = `[${"=".repeat(filled)}${" ".repeat(barChars - filled)}]`;
  return `${bare} ${bar} ${amount}`.slice(0, width).trimEnd();
}

/** `layer 3f4ab1c2d3e4`. */
function shortName({ name }: Row): string {
  const [, kind, hex] = /^([a-z]+)-[a-z0-9]+:([0-9a-f]+)$/.exec(name) ?? [];
  return printable(kind === undefined || hex === undefined ? name : `${kind} ${hex.slice(0, DIGEST_DIGITS)}`);
}

function pad(text: string, chars: number): string {
  return text.slice(0, chars).padEnd(chars);
}
