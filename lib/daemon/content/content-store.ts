import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { type Digest, Digester } from "../../image/digest.ts";
import type { Clock } from "../clock.ts";
import type { Disagreement } from "../disagreement.ts";
import { integer, type MetadataDatabase, text } from "../metadata/database.ts";
import type { LeaseStore } from "../metadata/leases.ts";
import type { NamespaceStore } from "../metadata/namespaces.ts";
import { BlobFiles } from "./blob-files.ts";
import { BlobStore } from "./blobs.ts";
import { hashFile } from "./ingest.ts";
import { IngestStore, type Sharing } from "./ingests.ts";

/** What the content is kept with, and where. */
export interface ContentStoreOptions {
  readonly database: MetadataDatabase;
  readonly namespaces: NamespaceStore;
  readonly leases: LeaseStore;
  readonly clock: Clock;
  /** The directory of `blobs` and `ingests`. */
  readonly root: string;
  readonly sharing?: Sharing;
  /** What a crash has left is not removed. */
  readonly keepOrphans?: boolean;
}

/** content.proto: blobs by digest, and what is still being written. */
export class ContentStore {
  readonly files: BlobFiles;
  readonly blobs: BlobStore;
  readonly ingests: IngestStore;
  readonly #database: MetadataDatabase;

  constructor({ root, sharing = "shared", keepOrphans = false, ...parts }: ContentStoreOptions) {
    mkdirSync(root, { recursive: true, mode: 0o700 });
    const { database } = parts;
    this.#database = database;
    this.files = new BlobFiles(join(root, "blobs"), (digest) => this.#isReferenced(digest));
    this.blobs = new BlobStore({ ...parts, files: this.files });
    const directory = join(root, "ingests");
    this.ingests = new IngestStore({ ...parts, files: this.files, blobs: this.blobs, directory, sharing });
    if (!keepOrphans) this.#removeOrphans();
  }

  /** Compares records and files; with `readAll` every byte of every blob is read and its digest computed. */
  async *check({ readAll }: { readonly readAll: boolean }): AsyncGenerator<Disagreement> {
    const sql = "SELECT DISTINCT digest, size FROM blobs WHERE digest > ? ORDER BY digest";
    for (const row of this.#database.walk(sql, "digest")) {
      const digest = text(row, "digest");
      using _ = this.files.pin(digest);
      const why = await this.#faultOf(digest, integer(row, "size"), readAll);
      if (why !== undefined) yield { what: `content ${digest}`, why, repair: this.#removal(digest) };
    }
  }

  /** What a crash has left, of a store that nobody writes to. */
  *checkOrphans(): Generator<Disagreement> {
    const why = "no record names its file";
    for (const digest of this.files.list()) {
      if (this.#isReferenced(digest)) continue;
      const repair = { done: "its file was removed", run: () => void this.files.reclaim(digest) };
      yield { what: `content ${digest}`, why, repair };
    }
    for (const number of this.#orphanedIngests()) {
      const repair = { done: "its file was removed", run: () => this.ingests.removeFile(number) };
      yield { what: `ingest ${number}`, why, repair };
    }
  }

  /** Bytes that are not those of their digest are of no use to anybody; without a record they can be fetched again. */
  #removal(digest: Digest): Disagreement["repair"] {
    return {
      done: "its record was removed, so that it can be fetched again",
      run: () => {
        this.#database.reclaim(() => this.#database.run("DELETE FROM blobs WHERE digest = ?", digest));
        this.files.reclaim(digest);
      },
    };
  }

  async #faultOf(digest: Digest, size: number, readAll: boolean): Promise<string | undefined> {
    const found = this.files.findSize(digest);
    if (found === undefined) return "its file is missing";
    if (found !== size) return `its file has ${found} bytes, recorded are ${size}`;
    if (!readAll) return undefined;
    const digester = new Digester(digest.startsWith("sha512:") ? "sha512" : "sha256");
    const file = await this.files.open(digest);
    try {
      await hashFile(file, digester);
    } finally {
      await file.close();
    }
    return digester.current() === digest ? undefined : `the digest of its bytes is ${digester.current()}`;
  }

  /** What a crash left: files that were not recorded yet, or not any more. */
  #removeOrphans(): void {
    for (const digest of this.files.list()) this.files.reclaim(digest);
    for (const number of this.#orphanedIngests()) this.ingests.removeFile(number);
  }

  #orphanedIngests(): readonly number[] {
    const numbers = this.#database.all("SELECT number FROM ingests").map((row) => integer(row, "number"));
    const known = new Set(numbers);
    return this.ingests.listFiles().filter((number) => !known.has(number));
  }

  #isReferenced(digest: Digest): boolean {
    return this.#database.find("SELECT 1 FROM blobs WHERE digest = ? LIMIT 1", digest) !== undefined;
  }
}
