import type { Time } from "../linux/tree/entries.ts";
import { type BytePath, fromBytes } from "../linux/tree/paths.ts";
import { invalidTar } from "./tar-entry.ts";

/** What an extended header says of the entry that follows it. */
export interface PaxRecords {
  readonly values: ReadonlyMap<string, BytePath>;
  /** GNU's first way to tell a sparse file's map repeats two keys. */
  readonly sparseNumbers: readonly string[];
}

const SPARSE_OFFSET = "GNU.sparse.offset";
const SPARSE_BYTES = "GNU.sparse.numbytes";
const ATTRIBUTE_PREFIX = "SCHILY.xattr.";
const SPACE = 0x20;
const NEWLINE = 0x0a;
/** The digits of the length of a record. */
const MAX_DIGITS = 8;

/** pax(1) § pax Extended Header: `<length> <key>=<value>\n`, where a value can be any bytes. */
export function parsePax(bytes: Uint8Array): PaxRecords {
  const values = new Map<string, BytePath>();
  const sparseNumbers: string[] = [];
  for (let at = 0; at < bytes.length; ) {
    const space = bytes.subarray(at, at + MAX_DIGITS).indexOf(SPACE);
    const digits = space === -1 ? "" : fromBytes(bytes.subarray(at, at + space));
    const length = /^[0-9]+$/.test(digits) ? Number(digits) : 0;
    if (length <= space + 1 || at + length > bytes.length || bytes[at + length - 1] !== NEWLINE) {
      throw invalidTar("a record of an extended header has a wrong length");
    }
    const record = fromBytes(bytes.subarray(at + space + 1, at + length - 1));
    const equals = record.indexOf("=");
    if (equals < 1) throw invalidTar("a record of an extended header has no key");
    const key = record.slice(0, equals);
    const value = record.slice(equals + 1);
    if (key === SPARSE_OFFSET || key === SPARSE_BYTES) sparseNumbers.push(value);
    else values.set(key, checked(key, value));
    at += length;
  }
  return { values, sparseNumbers };
}

function checked(key: string, value: BytePath): BytePath {
  if (key.includes("\0")) throw invalidTar("a key of an extended header has a NUL");
  if (!key.startsWith(ATTRIBUTE_PREFIX) && value.includes("\0")) throw invalidTar(`${key} has a NUL`);
  return value;
}

/** The extended attributes among the records. */
export function attributesOf({ values }: PaxRecords): ReadonlyMap<string, Uint8Array> {
  const attributes = new Map<string, Uint8Array>();
  for (const [key, value] of values) {
    if (!key.startsWith(ATTRIBUTE_PREFIX)) continue;
    attributes.set(key.slice(ATTRIBUTE_PREFIX.length), Buffer.from(value, "latin1"));
  }
  return attributes;
}

/** A record that says something; one without a value leaves what the header says. */
export function findText({ values }: PaxRecords, key: string): BytePath | undefined {
  return values.get(key) || undefined;
}

/** A record that is a number without a sign; undefined when there is none. */
export function findNumber({ values }: PaxRecords, key: string): number | undefined {
  const value = values.get(key);
  if (value === undefined || value === "") return undefined;
  return toNumber(value, key);
}

/** A decimal number. @throws {ContainerError} invalid_argument */
export function toNumber(value: string, what: string): number {
  const number = /^[0-9]{1,16}$/.test(value) ? Number(value) : Number.NaN;
  if (!Number.isSafeInteger(number)) throw invalidTar(`${what} is ${JSON.stringify(value.slice(0, 40))}`);
  return number;
}

const TIME = /^(-?)([0-9]{1,15})(?:\.([0-9]*))?$/;
const NS_DIGITS = 9;
const NS_PER_SECOND = 1_000_000_000;

/** A record that is a time: seconds since 1970, with a fraction. */
export function findTime({ values }: PaxRecords, key: string): Time | undefined {
  const value = values.get(key);
  if (value === undefined || value === "") return undefined;
  const [, sign, whole, fraction = ""] = TIME.exec(value) ?? [];
  if (whole === undefined) throw invalidTar(`${key} is ${JSON.stringify(value.slice(0, 40))}`);
  const seconds = Number(whole);
  const nanoseconds = Number(fraction.padEnd(NS_DIGITS, "0").slice(0, NS_DIGITS));
  if (sign !== "-") return { seconds, nanoseconds };
  if (nanoseconds === 0) return { seconds: -seconds, nanoseconds };
  return { seconds: -seconds - 1, nanoseconds: NS_PER_SECOND - nanoseconds };
}
