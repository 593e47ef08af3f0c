import type { Kernel } from "../../linux/kernel.ts";
import { EntryParser, type LogEntry } from "./entries.ts";
import { logFiles, type OpenedLog, openLogFile, openLogFiles, readAt } from "./files.ts";
import { findTail, type Tail } from "./tail.ts";
import { LogWatch } from "./watch.ts";

/** Which entries are wanted. */
export interface LogRange {
  /** Those at the end; undefined for all. */
  readonly tail: Tail | undefined;
  /** In milliseconds since 1970. */
  readonly sinceMs: number | undefined;
  readonly untilMs: number | undefined;
}

const CHUNK_BYTES = 64 * 1024;

/**
 * The entries of a log, by chunks. With `ended`, what is written later, too: until that resolves, and to the last byte that
 * was written by then. A log that is rotated meanwhile is followed. @throws {SyscallError}
 */
export async function* readLog(
  kernel: Kernel,
  path: string,
  { tail, sinceMs, untilMs }: LogRange,
  ended?: Promise<unknown>,
): AsyncGenerator<readonly LogEntry[]> {
  using reader = new LogReader(kernel, path, tail);
  const isWanted = ({ time }: LogEntry) => {
    const ms = Date.parse(time);
    return (sinceMs === undefined || !(ms < sinceMs)) && (untilMs === undefined || !(ms > untilMs));
  };
  using watch = ended === undefined ? undefined : new LogWatch(path, ended);
  for (;;) {
    // What was written before the end is told is there when the end has been told.
    const wasOver = watch?.isOver ?? true;
    for (let entries = reader.next(); entries !== undefined; entries = reader.next()) yield entries.filter(isWanted);
    if (wasOver) {
      yield reader.end().filter(isWanted);
      return;
    }
    await watch?.news();
  }
}

class LogReader implements Disposable {
  readonly #kernel: Kernel;
  readonly #path: string;
  readonly #parser = new EntryParser();
  readonly #buffer = new Uint8Array(CHUNK_BYTES);
  #files: OpenedLog[];
  #offset = 0;

  constructor(kernel: Kernel, path: string, tail: Tail | undefined) {
    this.#kernel = kernel;
    this.#path = path;
    this.#files = [...openLogFiles(kernel, path)];
    if (tail === undefined) return;
    const start = findTail(kernel, this.#files, tail);
    for (const { fd } of this.#files.splice(0, start.file)) fd.close();
    this.#offset = start.offset;
  }

  /** Entries that there are now; undefined when there are no more yet. */
  next(): readonly LogEntry[] | undefined {
    const [file] = this.#files;
    if (file === undefined) {
      this.#files = [...openLogFiles(this.#kernel, this.#path)];
      return this.#files.length === 0 ? undefined : [];
    }
    const bytes = readAt(this.#kernel, file.fd, this.#buffer, this.#offset);
    this.#offset += bytes;
    if (bytes > 0) return this.#parser.push(this.#buffer.subarray(0, bytes));
    if (this.#files.length === 1) this.#addNewer(file);
    if (this.#files.length === 1) return undefined;
    // Between the last read and the renaming it may have got more.
    const more = readAt(this.#kernel, file.fd, this.#buffer, this.#offset);
    this.#offset += more;
    if (more > 0) return this.#parser.push(this.#buffer.subarray(0, more));
    this.#files.shift()?.fd.close();
    this.#offset = 0;
    return [];
  }

  /** What is left when nobody writes any more. */
  end(): readonly LogEntry[] {
    return this.#parser.end();
  }

  /** The files that have taken the place of one that was renamed. */
  #addNewer(last: OpenedLog): void {
    const opened = logFiles(this.#kernel, this.#path).map((path) => openLogFile(this.#kernel, path));
    const at = opened.findIndex(({ inode }) => inode === last.inode);
    // One that has no name any more is older than all that have one.
    for (const { fd } of opened.slice(0, at + 1)) fd.close();
    this.#files.push(...opened.slice(at + 1));
  }

  [Symbol.dispose](): void {
    for (const { fd } of this.#files) fd.close();
  }
}
