/** What a process has written: a line, or a part of a long one. */
export interface LogEntry {
  readonly log: string;
  readonly stream: "stdout" | "stderr";
  /** RFC 3339; "" when it is not known. */
  readonly time: string;
}

const NEWLINE = 0x0a;

/**
 * Takes the bytes of a log apart, in pieces of any size. Lines that are no entries of a json-file log are passed over; but
 * when the first one is none, it is a plain file, as other shims write it: its lines are entries without a time.
 */
export class EntryParser {
  #rest: Uint8Array = new Uint8Array();
  #isPlain: boolean | undefined;

  push(bytes: Uint8Array): readonly LogEntry[] {
    const end = bytes.lastIndexOf(NEWLINE) + 1;
    if (end === 0) {
      this.#rest = Buffer.concat([this.#rest, bytes]);
      return [];
    }
    const text = new TextDecoder().decode(Buffer.concat([this.#rest, bytes.subarray(0, end)]));
    this.#rest = bytes.slice(end);
    const lines = text.split("\n").slice(0, -1);
    this.#isPlain ??= parseEntry(lines[0] ?? "") === undefined;
    if (this.#isPlain) return lines.map((line) => plainEntry(`${line}\n`));
    return lines.flatMap((line) => parseEntry(line) ?? []);
  }

  /** What stands behind the last line's end: half an entry is none, a plain line is one. */
  end(): readonly LogEntry[] {
    const text = new TextDecoder().decode(this.#rest);
    this.#rest = new Uint8Array();
    const isPlain = this.#isPlain ?? !text.startsWith("{");
    return isPlain && text !== "" ? [plainEntry(text)] : [];
  }
}

function plainEntry(log: string): LogEntry {
  return { log, stream: "stdout", time: "" };
}

function parseEntry(line: string): LogEntry | undefined {
  if (line === "") return undefined;
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return undefined;
  }
  if (typeof value !== "object" || value === null) return undefined;
  const { log, stream, time } = value as Readonly<Record<string, unknown>>;
  if (typeof log !== "string" || typeof time !== "string") return undefined;
  return { log, time, stream: stream === "stderr" ? "stderr" : "stdout" };
}
