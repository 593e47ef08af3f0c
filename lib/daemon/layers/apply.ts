import { ContainerError, findSyscall } from "../../errors.ts";
import { type Digest, Digester } from "../../image/digest.ts";
import type { Kernel } from "../../linux/kernel.ts";
import { toText } from "../../linux/tree/paths.ts";
import { decompress } from "../../tar/compression.ts";
import type { TarEntry } from "../../tar/tar-entry.ts";
import { TarReader } from "../../tar/tar-reader.ts";
import type { LayerSync } from "./layer-sync.ts";
import { LayerWriter } from "./layer-writer.ts";
import type { LayerTarget } from "./target.ts";

/** What a layer may cost. */
export interface LayerLimits {
  /** Of the archive without compression, and of its files with their holes. */
  readonly maxBytes: number;
  readonly maxEntries: number;
}

/** Enough for every image that is in use, and an end for those that are made to have none. */
export const DEFAULT_LIMITS: LayerLimits = { maxBytes: 128 * 2 ** 30, maxEntries: 2_000_000 };

/** Where a layer goes, and how. */
export interface LayerWishes {
  readonly target: LayerTarget;
  readonly limits?: LayerLimits;
  /** Brings it to the disk; without, that is left to the kernel. */
  readonly sync?: LayerSync["run"] | undefined;
}

/** The archive that was unpacked, without compression: its digest is the layer's diff id. */
export interface AppliedLayer {
  readonly digest: Digest;
  readonly size: number;
}

/**
 * image-spec § Applying Changesets: unpacks a layer, compressed or not, as it comes. Whatever the archive says, nothing
 * outside of the target's directory is read or written. A failure leaves the directory half filled.
 * @throws {ContainerError} invalid_argument for what is no layer, resource_exhausted beyond a limit and on a full disk
 */
export async function applyLayer(
  kernel: Kernel,
  chunks: AsyncIterable<Uint8Array>,
  { target, limits = DEFAULT_LIMITS, sync }: LayerWishes,
): Promise<AppliedLayer> {
  const meter = new Meter(limits.maxBytes);
  const reader = new TarReader(meter.measure(decompress(chunks)));
  try {
    using writer = new LayerWriter(kernel, target);
    let bytes = 0;
    for (let count = 0; ; count++) {
      const entry = await reader.next();
      if (entry === undefined) break;
      bytes += entry.size;
      if (bytes > limits.maxBytes) throw exhausted(`its files have more than ${limits.maxBytes} bytes`);
      if (count >= limits.maxEntries) throw exhausted(`it has more than ${limits.maxEntries} entries`);
      await addEntry(writer, entry, reader);
      // One name can stand for a thousand directories.
      if (count + writer.implied >= limits.maxEntries) {
        throw exhausted(`it has more than ${limits.maxEntries} entries, with the directories they are in`);
      }
    }
    await reader.drain();
    await writer.finish();
  } finally {
    await reader.close();
  }
  await sync?.(target.directory);
  return meter.result();
}

async function addEntry(writer: LayerWriter, entry: TarEntry, reader: TarReader): Promise<void> {
  try {
    await writer.add(entry, reader);
  } catch (error) {
    throw wrapped(error, entry);
  }
}

/** The class of a refusal: the archive's fault, the disk's, or one of ours. */
function wrapped(error: unknown, entry: TarEntry): ContainerError {
  const errno = findSyscall(error)?.errno;
  const own = error instanceof ContainerError && errno === undefined ? error.code : "internal";
  const code = CODES[errno ?? ""] ?? own;
  return new ContainerError(code, `cannot unpack ${entry.type} "${toText(entry.name)}"`, { cause: error });
}

const CODES: Readonly<Record<string, "resource_exhausted" | "invalid_argument">> = {
  ENOSPC: "resource_exhausted",
  EDQUOT: "resource_exhausted",
  EFBIG: "resource_exhausted",
  ENAMETOOLONG: "invalid_argument",
  ENOTDIR: "invalid_argument",
  ENOENT: "invalid_argument",
  ELOOP: "invalid_argument",
  EMLINK: "invalid_argument",
};

class Meter {
  readonly #digester = new Digester();
  readonly #maxBytes: number;
  #size = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  async *measure(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    for await (const chunk of chunks) {
      this.#size += chunk.length;
      if (this.#size > this.#maxBytes) throw exhausted(`it has more than ${this.#maxBytes} bytes`);
      this.#digester.update(chunk);
      yield chunk;
    }
  }

  result(): AppliedLayer {
    return { digest: this.#digester.current(), size: this.#size };
  }
}

function exhausted(why: string): ContainerError {
  return new ContainerError("resource_exhausted", `cannot unpack a layer: ${why}`);
}
