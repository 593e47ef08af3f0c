import { Readable, type Transform } from "node:stream";
import { createGunzip, createGzip, createZstdCompress, createZstdDecompress } from "node:zlib";
import { ContainerError } from "../errors.ts";

/** How a layer can be compressed. */
export type Compression = "gzip" | "zstd" | "none";

const CHUNK_BYTES = 262_144;
const GZIP = [0x1f, 0x8b, 0x08];
const ZSTD = [0x28, 0xb5, 0x2f, 0xfd];
/** A zstd frame that has no bytes may come first: 0x184D2A50 to 0x184D2A5F, little-endian. */
const ZSTD_SKIPPABLE = [0x2a, 0x4d, 0x18];

/** How a stream that begins with these bytes is compressed. */
export function detectCompression(beginning: Uint8Array): Compression {
  const beginsWith = (magic: readonly number[], at = 0) => magic.every((byte, n) => beginning[at + n] === byte);
  if (beginsWith(GZIP)) return "gzip";
  const isSkippable = (beginning[0] ?? 0) >= 0x50 && (beginning[0] ?? 0) <= 0x5f && beginsWith(ZSTD_SKIPPABLE, 1);
  return beginsWith(ZSTD) || isSkippable ? "zstd" : "none";
}

/** The bytes of a stream that may be compressed; it is told by how it begins. @throws {ContainerError} invalid_argument */
export async function* decompress(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const iterator = chunks[Symbol.asyncIterator]();
  const first: Uint8Array[] = [];
  for (let have = 0; have < ZSTD.length; ) {
    const { done, value } = await iterator.next();
    if (done === true) break;
    first.push(value);
    have += value.length;
  }
  const whole = chain(first, iterator);
  const compression = detectCompression(Buffer.concat(first.map((chunk) => chunk.subarray(0, ZSTD.length))));
  if (compression === "none") yield* whole;
  else
    yield* through(whole, compression === "gzip" ? createGunzip({ chunkSize: CHUNK_BYTES }) : newZstd(), compression);
}

/** The bytes of a stream, compressed. */
export function compress(chunks: AsyncIterable<Uint8Array>, compression: Compression): AsyncIterable<Uint8Array> {
  if (compression === "none") return chunks;
  const by = compression === "gzip" ? createGzip({ chunkSize: CHUNK_BYTES }) : createZstdCompress();
  return through(chunks, by, compression);
}

function newZstd(): Transform {
  return createZstdDecompress({ chunkSize: CHUNK_BYTES });
}

async function* chain(first: readonly Uint8Array[], rest: AsyncIterator<Uint8Array>): AsyncGenerator<Uint8Array> {
  try {
    yield* first;
    for (;;) {
      const { done, value } = await rest.next();
      if (done === true) return;
      yield value;
    }
  } finally {
    await rest.return?.();
  }
}

/** Faults of the input are passed on as they are, those of the stream itself are the archive's. */
async function* through(
  chunks: AsyncIterable<Uint8Array>,
  transform: Transform,
  compression: Compression,
): AsyncGenerator<Uint8Array> {
  let fault: unknown;
  const input = Readable.from(chunks, { objectMode: true, highWaterMark: 1 });
  input.on("error", (error) => {
    fault = error;
    transform.destroy(error);
  });
  input.pipe(transform);
  try {
    for await (const chunk of transform) yield chunk;
  } catch (error) {
    if (fault !== undefined) throw fault;
    throw invalidStream(compression, error);
  } finally {
    input.destroy();
    transform.destroy();
  }
}

function invalidStream(compression: Compression, cause: unknown): ContainerError {
  return new ContainerError("invalid_argument", `invalid ${compression} stream`, { cause });
}
