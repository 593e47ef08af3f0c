import { chmodSync, mkdirSync, readdirSync, renameSync, statSync, unlinkSync } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { join } from "node:path";
import { type Digest, findDigest, parseDigest } from "../../image/digest.ts";
import { hasErrno } from "../errno.ts";
import { notFound } from "../names.ts";

const BLOB_MODE = 0o444;

/**
 * The blobs as files, by digest: `blobs/<algorithm>/<hex>`, read-only. A file is there as a whole or not at all, and stays
 * while a row of any namespace names it or somebody has it pinned.
 */
export class BlobFiles {
  readonly #root: string;
  readonly #isReferenced: (digest: Digest) => boolean;
  readonly #pins = new Map<Digest, number>();

  constructor(root: string, isReferenced: (digest: Digest) => boolean) {
    this.#root = root;
    this.#isReferenced = isReferenced;
    for (const algorithm of ["sha256", "sha512"]) mkdirSync(join(root, algorithm), { recursive: true, mode: 0o755 });
  }

  /** The file of a blob, there or not. */
  path(digest: Digest): string {
    const { algorithm, hex } = parseDigest(digest);
    return join(this.#root, algorithm, hex);
  }

  /** The size of a blob's file; undefined when there is none. */
  findSize(digest: Digest): number | undefined {
    return statSync(this.path(digest), { throwIfNoEntry: false })?.size;
  }

  /** Opens a blob's file. @throws {ContainerError} not_found when it is gone though it is recorded */
  async open(digest: Digest): Promise<FileHandle> {
    try {
      return await open(this.path(digest), "r");
    } catch (cause) {
      if (!hasErrno(cause, "ENOENT")) throw cause;
      throw notFound(`file of content ${digest}`, cause);
    }
  }

  /**
   * Makes a finished file a blob, on the disk when this is done. The caller has it pinned, has synced its bytes, and
   * records it afterwards: a crash in between leaves a file without a row, which the next start removes.
   */
  async adopt(file: string, digest: Digest): Promise<void> {
    const path = this.path(digest);
    chmodSync(file, BLOB_MODE);
    renameSync(file, path);
    const directory = await open(join(path, ".."), "r");
    try {
      await directory.sync();
    } finally {
      await directory.close();
    }
  }

  /** Keeps a blob's file, even one without a row, until the pin is disposed of. */
  pin(digest: Digest): Disposable {
    this.#pins.set(digest, (this.#pins.get(digest) ?? 0) + 1);
    let held = true;
    return {
      [Symbol.dispose]: () => {
        if (!held) return;
        held = false;
        const left = (this.#pins.get(digest) ?? 1) - 1;
        if (left > 0) this.#pins.set(digest, left);
        else this.#pins.delete(digest);
        this.reclaim(digest);
      },
    };
  }

  /** Removes a blob's file when nothing needs it. In one go, so that nobody can begin to need it meanwhile. */
  reclaim(digest: Digest): boolean {
    if (this.#pins.has(digest) || this.#isReferenced(digest)) return false;
    try {
      unlinkSync(this.path(digest));
      return true;
    } catch (error) {
      if (hasErrno(error, "ENOENT")) return false;
      throw error;
    }
  }

  /** The digests of all files; other names are passed over. */
  *list(): Generator<Digest> {
    for (const algorithm of ["sha256", "sha512"]) {
      for (const name of readdirSync(join(this.#root, algorithm))) {
        const digest = `${algorithm}:${name}`;
        if (findDigest(digest) !== undefined) yield digest;
      }
    }
  }
}
