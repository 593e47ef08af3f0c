import { type BytePath, fromBytes } from "../linux/tree/paths.ts";
import { ByteSource } from "./byte-source.ts";
import { attributesOf, findNumber, findText, findTime, type PaxRecords, parsePax } from "./pax.ts";
import { findPaxMap, readOldMap, type SparseMap } from "./sparse.ts";
import { BLOCK_BYTES, invalidTar, type TarChunk, type TarEntry, type TarType } from "./tar-entry.ts";
import { isZero, parseHeader, type TarHeader } from "./tar-header.ts";

/** Long names and extended headers of more than this are refused. */
const MAX_META_BYTES = 1_048_576;
/** How many of them may stand before an entry. */
const MAX_METAS = 8;
const MAX_NAME_BYTES = 4096;
const CHUNK_BYTES = 1_048_576;
/** GNU and others count beyond octal digits, the kernel does not count beyond 32 bits. */
const MAX_ID = 0xffff_fffe;

const TYPES: Readonly<Record<string, TarType>> = {
  "0": "file",
  "\0": "file",
  "7": "file",
  S: "file",
  "1": "hard link",
  "2": "link",
  "3": "char",
  "4": "block",
  "5": "directory",
  "6": "pipe",
};

const NO_RECORDS: PaxRecords = { values: new Map(), sparseNumbers: [] };

interface Metas {
  readonly records: PaxRecords;
  readonly name: BytePath | undefined;
  readonly target: BytePath | undefined;
}

/**
 * Reads a tar archive as it comes: V7, ustar, pax, star and GNU, with long names, numbers in base 256 and sparse files.
 * Memory does not grow with the archive. Names are what the archive says and may be hostile. Where an archive says two
 * things, it is read as archive/tar of Go reads it: an image has to be the same for all who look at it.
 */
export class TarReader {
  readonly #source: ByteSource;
  /** Bytes of the entry in hand that have not been read, and what fills up its last block. */
  #left = 0;
  #padding = 0;
  #segments: { offset: number; left: number }[] = [];

  constructor(chunks: AsyncIterable<Uint8Array>) {
    this.#source = new ByteSource(chunks);
  }

  /** The next entry; undefined at the end. @throws {ContainerError} invalid_argument */
  async next(): Promise<TarEntry | undefined> {
    let metas: Metas = { records: NO_RECORDS, name: undefined, target: undefined };
    for (let count = 0; ; count++) {
      await this.#source.skip(this.#left);
      // Some writers end an archive with the last byte of its last file.
      await this.#source.skipToEnd(this.#padding);
      this.#expect(0);
      const block = await this.#nextBlock();
      if (block === undefined) return undefined;
      const header = parseHeader(block);
      if (!"xgLKV".includes(header.flag)) return await this.#begin(header, block, metas);
      if (count === MAX_METAS) throw invalidTar("an entry has too many extended headers");
      metas = await this.#readMeta(header, metas);
    }
  }

  /** The next bytes of the entry, valid until the next call; undefined at its end. @throws {ContainerError} */
  async read(): Promise<TarChunk | undefined> {
    const [segment] = this.#segments;
    if (segment === undefined || this.#left === 0) return undefined;
    if (segment.left === 0) {
      this.#segments.shift();
      return await this.read();
    }
    const bytes = await this.#source.some(Math.min(segment.left, CHUNK_BYTES));
    const chunk = { offset: segment.offset, bytes };
    segment.offset += bytes.length;
    segment.left -= bytes.length;
    this.#left -= bytes.length;
    return chunk;
  }

  /** Reads what is behind the end of the archive. */
  async drain(): Promise<void> {
    await this.#source.drain();
  }

  /** Lets the stream go, wherever it is. */
  async close(): Promise<void> {
    await this.#source.close();
  }

  #expect(size: number): void {
    this.#left = size;
    this.#padding = (BLOCK_BYTES - (size % BLOCK_BYTES)) % BLOCK_BYTES;
    this.#segments = [{ offset: 0, left: size }];
  }

  /** The next header's block. An archive ends by two blocks of zeros, or where the stream does. */
  async #nextBlock(): Promise<Uint8Array | undefined> {
    const block = await this.#source.take(BLOCK_BYTES);
    if (block === undefined || !isZero(block)) return block;
    const second = await this.#source.take(BLOCK_BYTES);
    if (second !== undefined && !isZero(second)) throw invalidTar("a block of zeros stands between entries");
    return undefined;
  }

  async #readMeta(header: TarHeader, metas: Metas): Promise<Metas> {
    const { flag, size } = header;
    // What a global header says of all entries, and the name of the volume, matters to no layer.
    if (flag === "g" || flag === "V") {
      this.#expect(size);
      return metas;
    }
    if (size > MAX_META_BYTES) throw invalidTar(`an extended header has ${size} bytes, at most ${MAX_META_BYTES}`);
    const bytes = size === 0 ? new Uint8Array() : ((await this.#source.take(size)) ?? new Uint8Array());
    if (bytes.length < size) throw invalidTar("it ends in an extended header");
    const copy = bytes.slice();
    this.#expect(size);
    this.#left = 0;
    if (flag === "x") return { ...metas, records: parsePax(copy) };
    const end = copy.indexOf(0);
    const path = fromBytes(end === -1 ? copy : copy.subarray(0, end));
    return flag === "L" ? { ...metas, name: path } : { ...metas, target: path };
  }

  async #begin(header: TarHeader, block: Uint8Array, metas: Metas): Promise<TarEntry> {
    const { records } = metas;
    const old = block.slice();
    const given = metas.name ?? findText(records, "path") ?? header.name;
    const target = metas.target ?? findText(records, "linkpath") ?? header.target;
    const type = typeOf(header.flag, given);
    const size = type === "file" ? (findNumber(records, "size") ?? header.size) : 0;
    this.#expect(size);
    const isOld = header.flag === "S";
    const map = isOld ? await readOldMap(this.#source, old) : await this.#findPaxMap(type, records);
    if (map !== undefined) this.#expectSparse(size, map);
    const name = map === undefined || isOld ? given : (findText(records, "GNU.sparse.name") ?? given);
    return {
      ...{ name: checkedName(name), target: checkedName(target), type, size: map?.size ?? size },
      mode: header.mode % 0o10000,
      uid: checkedId(findNumber(records, "uid") ?? header.uid),
      gid: checkedId(findNumber(records, "gid") ?? header.gid),
      mtime: findTime(records, "mtime") ?? { seconds: header.mtime, nanoseconds: 0 },
      atime: findTime(records, "atime"),
      ...{ major: header.major, minor: header.minor, attributes: attributesOf(records) },
    };
  }

  async #findPaxMap(type: TarType, records: PaxRecords): Promise<SparseMap | undefined> {
    return type === "file" ? await findPaxMap(this.#source, records) : undefined;
  }

  #expectSparse(size: number, { segments, bytesRead }: SparseMap): void {
    const bytes = segments.reduce((sum, { length }) => sum + length, 0);
    if (bytes + bytesRead !== size) throw invalidTar("the parts of a sparse file are not its bytes");
    this.#left = bytes;
    this.#segments = segments.map(({ offset, length }) => ({ offset, left: length }));
  }
}

/** Before there was a type for directories, their names ended in a slash; where there is one, a slash means nothing. */
function typeOf(flag: string, name: BytePath): TarType {
  const type = Object.hasOwn(TYPES, flag) ? TYPES[flag] : undefined;
  if (type === undefined) throw invalidTar(`the type ${JSON.stringify(flag)} of an entry is not known`);
  return flag === "\0" && name.endsWith("/") ? "directory" : type;
}

function checkedName(name: BytePath): BytePath {
  if (name.length > MAX_NAME_BYTES) throw invalidTar(`a name has ${name.length} bytes, at most ${MAX_NAME_BYTES}`);
  if (name.includes("\0")) throw invalidTar("a name has a NUL");
  return name;
}

function checkedId(id: number): number {
  if (id < 0 || id > MAX_ID) throw invalidTar(`an owner is ${id}, it must be from 0 to ${MAX_ID}`);
  return id;
}
