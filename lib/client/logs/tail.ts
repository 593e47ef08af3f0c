import type { Kernel } from "../../linux/kernel.ts";
import { type OpenedLog, readAt } from "./files.ts";

/** How much of the end of a log is wanted: so many lines, or what there is of a line that has not ended. */
export type Tail = number | "unfinished";

/** A byte of one of some files. */
interface Position {
  readonly file: number;
  readonly offset: number;
}

const CHUNK_BYTES = 64 * 1024;
/** More of one line is no prompt that somebody waits to see. */
const MAX_UNFINISHED_BYTES = 64 * 1024;
const NEWLINE = 0x0a;
/** What stands behind the text of an entry, with its last characters. */
const ENTRY_END_BYTES = 256;
/** A line may be several entries: the last of them has the newline, which is escaped if the backslashes are odd in number. */
const ENTRY_END = /(\\*)(n?)","stream":"[a-z]+","time":"[^"]*"\}$/;

/** Where the end of a log begins that is wanted, in its files, the oldest first. @throws {SyscallError} */
export function findTail(kernel: Kernel, files: readonly OpenedLog[], tail: Tail): Position {
  const all = { file: 0, offset: 0 };
  const newest = files.findLastIndex(({ sizeBytes }) => sizeBytes > 0);
  const last = files[newest];
  if (last === undefined) return all;
  const end = { file: newest, offset: last.sizeBytes };
  const isUnfinished = !endsLine(kernel, last, last.sizeBytes);
  if (tail === "unfinished") {
    if (!isUnfinished) return end;
    const offset = findLines(kernel, last, { count: 1, lines: 1, fromBytes: last.sizeBytes - MAX_UNFINISHED_BYTES });
    return typeof offset === "object" ? { file: newest, ...offset } : end;
  }
  if (tail === 0) return end;
  for (let [file, lines] = [newest, isUnfinished ? 1 : 0]; file >= 0; file--) {
    const opened = files[file];
    if (opened === undefined) continue;
    const found = findLines(kernel, opened, { count: tail, lines, fromBytes: 0 });
    if (typeof found === "object") return { file, ...found };
    lines = found;
  }
  return all;
}

interface Search {
  readonly count: number;
  /** How many have been found in newer files. */
  readonly lines: number;
  /** Nothing before this is looked at. */
  readonly fromBytes: number;
}

/** Where the last `count` lines begin, or how many there are when they begin before. */
function findLines(
  kernel: Kernel,
  file: OpenedLog,
  { count, lines: known, fromBytes }: Search,
): number | { readonly offset: number } {
  const buffer = new Uint8Array(CHUNK_BYTES);
  let lines = known;
  for (let end = file.sizeBytes; end > Math.max(0, fromBytes); ) {
    const from = Math.max(0, end - CHUNK_BYTES);
    const bytes = readAt(kernel, file.fd, buffer.subarray(0, end - from), from);
    for (
      let at = buffer.lastIndexOf(NEWLINE, bytes - 1);
      at >= 0;
      at = at === 0 ? -1 : buffer.lastIndexOf(NEWLINE, at - 1)
    ) {
      if (!endsLine(kernel, file, from + at + 1)) continue;
      if (lines === count) return { offset: from + at + 1 };
      lines++;
    }
    end = from;
  }
  return lines;
}

/** Whether a line ends where the bytes before an offset end. */
function endsLine(kernel: Kernel, { fd }: OpenedLog, offset: number): boolean {
  const from = Math.max(0, offset - ENTRY_END_BYTES);
  const buffer = new Uint8Array(offset - from);
  const text = Buffer.from(buffer.subarray(0, readAt(kernel, fd, buffer, from))).toString("latin1");
  if (!text.endsWith("\n")) return false;
  const [, backslashes, letter] = ENTRY_END.exec(text.slice(0, -1)) ?? [];
  return backslashes === undefined || (letter === "n" && backslashes.length % 2 === 1);
}
