import { type BytePath, fromBytes } from "../linux/tree/paths.ts";
import { invalidTar } from "./tar-entry.ts";

/** The fields of a header block that every dialect has. */
export interface TarHeader {
  readonly name: BytePath;
  readonly target: BytePath;
  /** The type flag, as a character. */
  readonly flag: string;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** The bytes that follow the header. */
  readonly size: number;
  readonly mtime: number;
  readonly major: number;
  readonly minor: number;
  readonly isGnu: boolean;
}

const CHECKSUM_AT = 148;
const CHECKSUM_BYTES = 8;
const SPACE = 0x20;
const BASE_256 = 0x80;
const NEGATIVE = 0x40;

/** Whether a block has only zeros: two of them end an archive. */
export function isZero(block: Uint8Array): boolean {
  return block.every((byte) => byte === 0);
}

/** pax(1) § ustar Interchange Format, with the numbers of GNU and star. @throws {ContainerError} invalid_argument */
export function parseHeader(block: Uint8Array): TarHeader {
  checkSum(block);
  const magic = fromBytes(block.subarray(257, 265));
  const isUstar = magic.startsWith("ustar\0");
  const isStar = isUstar && fromBytes(block.subarray(508, 512)) === "tar\0";
  const name = parseText(block, 0, 100);
  const prefix = isUstar ? parseText(block, 345, isStar ? 131 : 155) : "";
  const isKnown = magic.startsWith("ustar");
  return {
    name: prefix === "" ? name : `${prefix}/${name}`,
    target: parseText(block, 157, 100),
    flag: String.fromCharCode(block[156] ?? 0),
    mode: parseNumber(block, 100, 8),
    uid: parseNumber(block, 108, 8),
    gid: parseNumber(block, 116, 8),
    size: parseSize(block, 124),
    mtime: parseNumber(block, 136, 12),
    major: isKnown ? parseNumber(block, 329, 8) : 0,
    minor: isKnown ? parseNumber(block, 337, 8) : 0,
    isGnu: magic === "ustar  \0",
  };
}

/** A number of 12 bytes that has to be a size or an offset. */
export function parseSize(block: Uint8Array, at: number): number {
  const size = parseNumber(block, at, 12);
  if (size < 0) throw invalidTar(`a size is ${size}`);
  return size;
}

/** Some old programs have summed signed bytes. */
function checkSum(block: Uint8Array): void {
  let unsigned = 0;
  let signed = 0;
  for (let at = 0; at < block.length; at++) {
    const isSum = at >= CHECKSUM_AT && at < CHECKSUM_AT + CHECKSUM_BYTES;
    const byte = isSum ? SPACE : (block[at] ?? 0);
    unsigned += byte;
    signed += byte < BASE_256 ? byte : byte - 256;
  }
  const sum = parseNumber(block, CHECKSUM_AT, CHECKSUM_BYTES);
  if (sum !== unsigned && sum !== signed) throw invalidTar("the checksum of a header is wrong");
}

function parseText(block: Uint8Array, at: number, length: number): BytePath {
  const field = block.subarray(at, at + length);
  const end = field.indexOf(0);
  return fromBytes(end === -1 ? field : field.subarray(0, end));
}

/** Octal digits among spaces and NULs, or, when the first bit is set, two's complement in base 256. */
export function parseNumber(block: Uint8Array, at: number, length: number): number {
  const field = block.subarray(at, at + length);
  const [first = 0] = field;
  if (first >= BASE_256) return parseBase256(field);
  const [digits = ""] = fromBytes(field)
    .split("\0", 1)
    .map((text) => text.trim());
  if (digits === "") return 0;
  if (!/^[0-7]+$/.test(digits)) throw invalidTar(`a number of a header is ${JSON.stringify(digits)}`);
  return Number.parseInt(digits, 8);
}

function parseBase256(field: Uint8Array): number {
  const [first = 0] = field;
  const isNegative = first % BASE_256 >= NEGATIVE;
  let value = BigInt(first % BASE_256) - (isNegative ? 128n : 0n);
  for (const byte of field.subarray(1)) value = value * 256n + BigInt(byte);
  if (value > BigInt(Number.MAX_SAFE_INTEGER) || value < -BigInt(Number.MAX_SAFE_INTEGER)) {
    throw invalidTar("a number of a header is too large");
  }
  return Number(value);
}
