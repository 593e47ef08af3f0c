/** What a process has written: a line, or a part of a long one. */
export interface LogEntry {
  readonly log: string;
  readonly stream: "stdout" | "stderr";
  /** RFC 3339. */
  readonly time: string;
}

const NEWLINE = 0x0a;

/** Takes the bytes of a json-file log apart, in pieces of any size. Lines that are none of its entries are passed over. */
export class EntryParser {
  #rest: Uint8Array = new Uint8Array();

  push(bytes: Uint8Array): readonly LogEntry[] {
    const end = bytes.lastIndexOf(NEWLINE) + 1;
    if (end === 0) {
      this.#rest = Buffer.concat([this.#rest, bytes]);
      return [];
    }
    const text = new TextDecoder().decode(Buffer.concat([this.#rest, bytes.subarray(0, end)]));
    this.#rest = bytes.slice(end);
    return text.split("\n").flatMap((line) => parseEntry(line) ?? []);
  }
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
