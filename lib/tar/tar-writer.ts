import type { Time } from "../linux/tree/entries.ts";
import type { BytePath } from "../linux/tree/paths.ts";
import { BLOCK_BYTES, type TarEntry, type TarType } from "./tar-entry.ts";

const FLAGS: Readonly<Record<TarType, string>> = {
  ...{ file: "0", "hard link": "1", link: "2", char: "3", block: "4", directory: "5", pipe: "6" },
};
const NAME_BYTES = 100;
const MAX_OCTAL_7 = 0o7777777;
const MAX_OCTAL_11 = 0o77777777777;
const SPACE = 0x20;

/** What ends an archive. */
export const TAR_END: Uint8Array = new Uint8Array(2 * BLOCK_BYTES);

/** The zeros that fill up the last block of a file. */
export function paddingOf(size: number): Uint8Array {
  return new Uint8Array((BLOCK_BYTES - (size % BLOCK_BYTES)) % BLOCK_BYTES);
}

/**
 * pax(1): the header of an entry, led by an extended one for what ustar cannot say. Equal entries have equal headers:
 * there are no times but mtime, no names of owners, and no number of the process.
 */
export function encodeHeader(entry: TarEntry): Uint8Array {
  const records = recordsOf(entry);
  const header = encodeBlock(entry, FLAGS[entry.type]);
  if (records.length === 0) return header;
  const bytes = Buffer.concat(records);
  const meta = { ...entry, name: "PaxHeaders.0/entry", target: "", size: bytes.length, mode: 0o644, uid: 0, gid: 0 };
  return Buffer.concat([encodeBlock({ ...meta, major: 0, minor: 0 }, "x"), bytes, paddingOf(bytes.length), header]);
}

function recordsOf(entry: TarEntry): readonly Uint8Array[] {
  const records: [key: string, value: string][] = [];
  const { name, target, size, uid, gid, mtime } = entry;
  if (needsRecord(name)) records.push(["path", name]);
  if (needsRecord(target)) records.push(["linkpath", target]);
  if (size > MAX_OCTAL_11) records.push(["size", String(size)]);
  if (uid > MAX_OCTAL_7) records.push(["uid", String(uid)]);
  if (gid > MAX_OCTAL_7) records.push(["gid", String(gid)]);
  if (!fitsOctal(mtime)) records.push(["mtime", timeText(mtime)]);
  for (const [key, value] of [...entry.attributes].sort(([a], [b]) => (a < b ? -1 : 1))) {
    records.push([`SCHILY.xattr.${key}`, Buffer.from(value).toString("latin1")]);
  }
  return records.map(([key, value]) => encodeRecord(`${key}=${value}`));
}

/** ustar's names are ASCII, as far as they can be relied upon. */
function needsRecord(name: BytePath): boolean {
  return name.length > NAME_BYTES || !/^[\x20-\x7e]*$/.test(name);
}

function fitsOctal({ seconds, nanoseconds }: Time): boolean {
  return nanoseconds === 0 && seconds >= 0 && seconds <= MAX_OCTAL_11;
}

function timeText({ seconds, nanoseconds }: Time): string {
  if (nanoseconds === 0) return String(seconds);
  const [whole, fraction] = seconds < 0 ? [-seconds - 1, 1_000_000_000 - nanoseconds] : [seconds, nanoseconds];
  const digits = String(fraction).padStart(9, "0").replace(/0+$/, "");
  return `${seconds < 0 ? "-" : ""}${whole}.${digits}`;
}

/** The length of a record counts its own digits. */
function encodeRecord(record: string): Uint8Array {
  const rest = record.length + 2;
  let length = rest + String(rest).length;
  if (String(length).length !== String(rest).length) length = rest + String(length).length;
  return Buffer.from(`${length} ${record}\n`, "latin1");
}

function encodeBlock(entry: TarEntry, flag: string): Uint8Array {
  const block = Buffer.alloc(BLOCK_BYTES);
  const octal = (value: number, at: number, length: number) =>
    block.write(
      Math.max(0, value)
        .toString(8)
        .padStart(length - 1, "0")
        .slice(1 - length),
      at,
      "latin1",
    );
  const { mtime, type } = entry;
  block.write(entry.name.slice(0, NAME_BYTES), 0, "latin1");
  octal(entry.mode, 100, 8);
  octal(entry.uid > MAX_OCTAL_7 ? 0 : entry.uid, 108, 8);
  octal(entry.gid > MAX_OCTAL_7 ? 0 : entry.gid, 116, 8);
  octal(entry.size > MAX_OCTAL_11 ? 0 : entry.size, 124, 12);
  octal(mtime.seconds > MAX_OCTAL_11 ? 0 : mtime.seconds, 136, 12);
  block.fill(SPACE, 148, 156);
  block.write(flag, 156, "latin1");
  block.write(entry.target.slice(0, NAME_BYTES), 157, "latin1");
  block.write("ustar\u000000", 257, "latin1");
  if (type === "char" || type === "block") {
    octal(entry.major, 329, 8);
    octal(entry.minor, 337, 8);
  }
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148, "latin1");
  return block;
}
