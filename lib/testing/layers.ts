import type { TarEntry } from "../tar/tar-entry.ts";
import { encodeHeader, paddingOf, TAR_END } from "../tar/tar-writer.ts";

/** For tests: an entry, a file unless it says otherwise. */
export function tarEntry(name: string, fields: Partial<TarEntry> = {}): TarEntry {
  return {
    ...{ name, type: "file", target: "", mode: 0o644, uid: 0, gid: 0, size: 0, atime: undefined, major: 0, minor: 0 },
    ...{ mtime: { seconds: 1_000_000_000, nanoseconds: 0 }, attributes: new Map() },
    ...fields,
  };
}

export type TarPart = TarEntry | readonly [entry: TarEntry, content: string] | Uint8Array;

/** For tests: an archive of entries, files with their content, and raw bytes. */
export function tarOf(...parts: readonly TarPart[]): Uint8Array {
  const bytes = parts.map((part) => {
    if (part instanceof Uint8Array) return part;
    if ("name" in part) return encodeHeader(part);
    const content = Buffer.from(part[1]);
    return Buffer.concat([encodeHeader({ ...part[0], size: content.length }), content, paddingOf(content.length)]);
  });
  return Buffer.concat([...bytes, TAR_END]);
}

/** For tests: bytes as a stream of chunks of a size. */
export async function* chunksOf(bytes: Uint8Array, size = 65_536): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) {
    await Promise.resolve();
    yield bytes.subarray(at, at + size);
  }
}

/** For tests: a header block with fields written as they are, by their offsets, and its checksum. */
export function block(fields: Readonly<Record<number, string>>): Uint8Array {
  const bytes = Buffer.alloc(512);
  bytes.write("f", 0);
  bytes.write("0000644\0", 100);
  for (const [at, text] of Object.entries(fields)) bytes.write(text, Number(at), "latin1");
  bytes.fill(" ", 148, 156);
  bytes.write(`${bytes.reduce((sum, byte) => sum + byte, 0).toString(8)}\0`, 148);
  return bytes;
}

/** For tests: an extended header with records, or GNU's long name with its text. */
export function metaOf(flag: "x" | "g" | "L" | "K", content: string): Uint8Array {
  const bytes = Buffer.from(content, "latin1");
  const size = `${bytes.length.toString(8).padStart(11, "0")}\0`;
  return Buffer.concat([block({ 124: size, 156: flag }), bytes, paddingOf(bytes.length)]);
}

/** For tests: the records of an extended header. */
export function paxOf(records: readonly (readonly [key: string, value: string])[]): Uint8Array {
  const lines = records.map(([key, value]) => {
    const rest = ` ${key}=${value}\n`;
    let length = rest.length + 1;
    while (String(length).length + rest.length !== length) length++;
    return `${length}${rest}`;
  });
  return metaOf("x", lines.join(""));
}
