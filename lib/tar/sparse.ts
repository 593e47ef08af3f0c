import type { ByteSource } from "./byte-source.ts";
import { findNumber, type PaxRecords, toNumber } from "./pax.ts";
import { BLOCK_BYTES, invalidTar } from "./tar-entry.ts";
import { parseSize } from "./tar-header.ts";

/** A part of a sparse file that has bytes. */
export interface Segment {
  readonly offset: number;
  readonly length: number;
}

/** What a sparse file is made of, and how many bytes of the archive told that. */
export interface SparseMap {
  readonly size: number;
  readonly segments: readonly Segment[];
  readonly bytesRead: number;
}

const MAX_SEGMENTS = 1_000_000;
const MAX_MAP_LINE = 20;
const HEADER_MAP_AT = 386;
const HEADER_SEGMENTS = 4;
const HEADER_EXTENDED_AT = 482;
const HEADER_SIZE_AT = 483;
const BLOCK_SEGMENTS = 21;
const BLOCK_EXTENDED_AT = 504;
const SEGMENT_BYTES = 24;

/** GNU's old format: a map in the header, which goes on in blocks behind it. */
export async function readOldMap(source: ByteSource, header: Uint8Array): Promise<SparseMap> {
  const size = parseSize(header, HEADER_SIZE_AT);
  const segments = parseSegments(header, HEADER_MAP_AT, HEADER_SEGMENTS);
  let extended = header[HEADER_EXTENDED_AT] !== 0;
  while (extended) {
    const block = await source.take(BLOCK_BYTES);
    if (block === undefined) throw invalidTar("it ends in the map of a sparse file");
    segments.push(...parseSegments(block, 0, BLOCK_SEGMENTS));
    if (segments.length > MAX_SEGMENTS) throw invalidTar(`a sparse file has more than ${MAX_SEGMENTS} parts`);
    extended = block[BLOCK_EXTENDED_AT] !== 0;
  }
  return { size, segments: checked(segments, size), bytesRead: 0 };
}

function parseSegments(block: Uint8Array, begin: number, count: number): Segment[] {
  const segments: Segment[] = [];
  for (let at = begin; at < begin + count * SEGMENT_BYTES && block[at] !== 0; at += SEGMENT_BYTES) {
    segments.push({ offset: parseSize(block, at), length: parseSize(block, at + SEGMENT_BYTES / 2) });
  }
  return segments;
}

/** The map of a sparse file in one of GNU's three ways to use extended headers; undefined for other files. */
export async function findPaxMap(source: ByteSource, records: PaxRecords): Promise<SparseMap | undefined> {
  const { values, sparseNumbers } = records;
  const size = findNumber(records, "GNU.sparse.size") ?? findNumber(records, "GNU.sparse.realsize");
  const map = values.get("GNU.sparse.map");
  const major = values.get("GNU.sparse.major") ?? (map === undefined && sparseNumbers.length === 0 ? "" : "0");
  if (size === undefined || !["0", "1"].includes(major)) return undefined;
  if (major === "1") return await readLeadingMap(source, size);
  const numbers = map === undefined ? sparseNumbers : map.split(",").filter((part) => part !== "");
  return { size, segments: checked(toSegments(numbers), size), bytesRead: 0 };
}

/** Version 1.0: decimal numbers, a line each, at the beginning of the file's bytes, filled up to a block. */
async function readLeadingMap(source: ByteSource, size: number): Promise<SparseMap> {
  let text = "";
  let bytesRead = 0;
  const numbers: string[] = [];
  for (let wanted = 1; numbers.length < wanted; ) {
    const newline = text.indexOf("\n");
    if (newline === -1) {
      if (text.length > MAX_MAP_LINE) throw invalidTar("the map of a sparse file has no numbers");
      const block = await source.take(BLOCK_BYTES);
      if (block === undefined) throw invalidTar("it ends in the map of a sparse file");
      text += Buffer.from(block).toString("latin1");
      bytesRead += BLOCK_BYTES;
      continue;
    }
    numbers.push(text.slice(0, newline));
    text = text.slice(newline + 1);
    if (numbers.length > 1) continue;
    const count = toNumber(numbers[0] ?? "", "the number of parts of a sparse file");
    if (count > MAX_SEGMENTS) throw invalidTar(`a sparse file has more than ${MAX_SEGMENTS} parts`);
    wanted += 2 * count;
  }
  return { size, segments: checked(toSegments(numbers.slice(1)), size), bytesRead };
}

function toSegments(numbers: readonly string[]): readonly Segment[] {
  if (numbers.length % 2 !== 0) throw invalidTar("the map of a sparse file is not complete");
  const segments: Segment[] = [];
  for (let at = 0; at < numbers.length; at += 2) {
    const what = "a part of a sparse file";
    segments.push({ offset: toNumber(numbers[at] ?? "", what), length: toNumber(numbers[at + 1] ?? "", what) });
  }
  return segments;
}

/** In order, apart, and within the file. */
function checked(segments: readonly Segment[], size: number): readonly Segment[] {
  let end = 0;
  for (const { offset, length } of segments) {
    if (offset < end || offset + length > size)
      throw invalidTar("the parts of a sparse file overlap or are outside of it");
    end = offset + length;
  }
  return segments;
}
