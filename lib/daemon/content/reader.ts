import type { FileHandle } from "node:fs/promises";
import { ContainerError } from "../../errors.ts";
import type { Digest } from "../../image/digest.ts";

const CHUNK_BYTES = 262_144;

/** An open blob. It stays readable when the blob is deleted meanwhile. */
export class BlobReader implements AsyncDisposable {
  readonly digest: Digest;
  readonly size: number;
  readonly #file: FileHandle;

  constructor({ digest, size }: { readonly digest: Digest; readonly size: number }, file: FileHandle) {
    this.digest = digest;
    this.size = size;
    this.#file = file;
  }

  /**
   * The bytes from `offset` on, `length` of them or, when it is 0 or less, all. Each chunk is a buffer of its own.
   * @throws {ContainerError} out_of_range, internal when the file is shorter than recorded
   */
  async *chunks({ offset = 0, length = 0, chunkBytes = CHUNK_BYTES } = {}): AsyncGenerator<Uint8Array> {
    if (offset < 0 || offset > this.size) {
      const why = `offset ${offset} is outside of its ${this.size} bytes`;
      throw new ContainerError("out_of_range", `cannot read content ${this.digest}: ${why}`);
    }
    const end = length > 0 ? Math.min(this.size, offset + length) : this.size;
    for (let at = offset; at < end; ) {
      const buffer = new Uint8Array(Math.min(chunkBytes, end - at));
      const { bytesRead } = await this.#file.read(buffer, 0, buffer.length, at);
      if (bytesRead === 0) {
        const why = `its file ends at byte ${at} of ${this.size}`;
        throw new ContainerError("internal", `cannot read content ${this.digest}: ${why}`);
      }
      yield buffer.subarray(0, bytesRead);
      at += bytesRead;
    }
  }

  /** All bytes of a blob that is known to be small. @throws {ContainerError} resource_exhausted */
  async bytes(maxBytes: number): Promise<Uint8Array> {
    if (this.size > maxBytes) {
      const why = `it has ${this.size} bytes, at most ${maxBytes} are read`;
      throw new ContainerError("resource_exhausted", `cannot read content ${this.digest}: ${why}`);
    }
    const parts: Uint8Array[] = [];
    for await (const chunk of this.chunks()) parts.push(chunk);
    return Buffer.concat(parts);
  }

  async close(): Promise<void> {
    await this.#file.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}
