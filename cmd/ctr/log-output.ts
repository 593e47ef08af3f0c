import type { LogEntry } from "../../lib/client/logs/entries.ts";
import { readLog } from "../../lib/client/logs/read.ts";
import type { CtrContext } from "./context.ts";

/** Prints entries where they belong: what was written to standard error there. */
export async function printEntries(
  context: CtrContext,
  entries: readonly LogEntry[],
  write: (entry: LogEntry) => string,
): Promise<void> {
  for (const { stream, text } of runs(entries, write)) {
    if (stream === "stdout") await context.print(text);
    else context.printError(text);
  }
}

/** Entries one after the other of one stream are written at once. */
function runs(entries: readonly LogEntry[], write: (entry: LogEntry) => string) {
  const found: { readonly stream: LogEntry["stream"]; text: string }[] = [];
  for (const entry of entries) {
    const current = found.at(-1);
    if (current?.stream === entry.stream) current.text += write(entry);
    else found.push({ stream: entry.stream, text: write(entry) });
  }
  return found;
}

/** What is written to a log from now on, printed as it comes. */
export class LogFollower implements Disposable {
  readonly #end = Promise.withResolvers<void>();
  readonly #done: Promise<void>;

  /** With `isScreen`, what there is of its last line is printed first: a prompt, as a rule. */
  constructor(context: CtrContext, path: string, { isScreen }: { readonly isScreen: boolean }) {
    const range = { tail: isScreen ? ("unfinished" as const) : 0, sinceMs: undefined, untilMs: undefined };
    const entries = readLog(context.kernel, path, range, this.#end.promise);
    // This opens the log: what is written after it is not missed.
    const first = entries.next();
    this.#done = printAll(context, first, entries);
    // Its failure is told by end().
    this.#done.catch(() => undefined);
  }

  /** The process has ended, or the caller leaves: settles when all that was written by then is printed. */
  async end(): Promise<void> {
    this.#end.resolve();
    await this.#done;
  }

  /** Nobody waits for it any more: it ends by itself. */
  [Symbol.dispose](): void {
    this.#end.resolve();
  }
}

async function printAll(
  context: CtrContext,
  first: Promise<IteratorResult<readonly LogEntry[]>>,
  rest: AsyncGenerator<readonly LogEntry[]>,
): Promise<void> {
  for (let { value, done } = await first; done !== true; { value, done } = await rest.next()) {
    await printEntries(context, value, ({ log }) => log);
  }
}
