import type { FileHandle } from "node:fs/promises";
import type { Digest, Digester } from "../../image/digest.ts";

/** content.proto: an ingest that is not complete. */
export interface IngestStatus {
  readonly ref: string;
  readonly offset: number;
  /** How many bytes are expected, 0 when nobody said. */
  readonly total: number;
  /** The digest that is expected, "" when nobody said. */
  readonly expected: Digest;
  readonly startedNs: bigint;
  readonly updatedNs: bigint;
}

/** The row of an ingest. */
export interface Ingest {
  readonly number: number;
  readonly ref: string;
  readonly total: number;
  readonly expected: Digest;
  readonly startedNs: bigint;
}

const HASH_CHUNK_BYTES = 1_048_576;

/** Feeds a file to a digester. Returns its size. */
export async function hashFile(file: FileHandle, digester: Digester): Promise<number> {
  const buffer = new Uint8Array(HASH_CHUNK_BYTES);
  for (let at = 0; ; ) {
    const { bytesRead } = await file.read(buffer, 0, buffer.length, at);
    if (bytesRead === 0) return at;
    digester.update(buffer.subarray(0, bytesRead));
    at += bytesRead;
  }
}
