import { constants, mkdirSync, statSync, unlinkSync } from "node:fs";
import { open } from "node:fs/promises";
import { join } from "node:path";
import { ContainerError } from "../../errors.ts";
import { type Digest, Digester, parseDigest } from "../../image/digest.ts";
import type { Clock } from "../clock.ts";
import { hasErrno, wrapFileError } from "../errno.ts";
import { numbersIn } from "../files.ts";
import { compileFilters, scalar } from "../filter/match.ts";
import { integer, type MetadataDatabase, nanoseconds, type Row, text } from "../metadata/database.ts";
import type { LeaseStore } from "../metadata/leases.ts";
import type { NamespaceStore } from "../metadata/namespaces.ts";
import { alreadyExists, notFound, type Scope } from "../names.ts";
import type { BlobFiles } from "./blob-files.ts";
import type { BlobStore } from "./blobs.ts";
import { hashFile, type Ingest, type IngestStatus } from "./ingest.ts";
import { ContentWriter } from "./writer.ts";

/** Whether namespaces may take each other's blobs by naming their digest, or have to bring the bytes. */
export type Sharing = "shared" | "isolated";

const SHAREABLE_LABEL = "containerd.io/namespace.shareable";
/** An ingest that no lease holds and nobody has open is garbage after a day. */
const INGEST_LIFE_NS = 24n * 3600n * 1_000_000_000n;
const MAX_REF_CHARS = 4096;
/** Read and write; made when it is not there, kept as it is when it is. */
const OPEN_INGEST = constants.O_RDWR + constants.O_CREAT;

/** What the ingests are kept with, and where. */
export interface IngestStoreParts {
  readonly database: MetadataDatabase;
  readonly namespaces: NamespaceStore;
  readonly leases: LeaseStore;
  readonly clock: Clock;
  readonly files: BlobFiles;
  readonly blobs: BlobStore;
  /** The directory of the unfinished files. */
  readonly directory: string;
  readonly sharing: Sharing;
}

/**
 * content.proto: what is being written, known by a ref within its namespace. It outlives its writer and the process: the
 * next writer of the ref goes on where the file ends.
 */
export class IngestStore {
  readonly #parts: IngestStoreParts;
  /** Numbers of the ingests that a writer has. */
  readonly #locked = new Set<number>();
  #wasFull = false;

  constructor(parts: IngestStoreParts) {
    this.#parts = parts;
    mkdirSync(parts.directory, { recursive: true, mode: 0o700 });
  }

  /**
   * Opens the one writer of a ref, made or resumed. `expected` that the namespace already has ends it; that another has
   * needs no bytes.
   * @throws {ContainerError} already_exists, unavailable while another has it, invalid_argument
   */
  async openWriter(
    scope: Scope,
    { ref, total = 0, expected = "" }: { readonly ref: string; readonly total?: number; readonly expected?: Digest },
  ): Promise<ContentWriter> {
    if (ref === "" || ref.length > MAX_REF_CHARS) {
      throw new ContainerError("invalid_argument", `cannot write content: a ref has 1 to ${MAX_REF_CHARS} characters`);
    }
    if (expected !== "") this.#refuseKnown(scope, expected);
    const ingest = this.#lock(scope, { ref, total, expected });
    try {
      return await this.#openWriter(scope, ingest);
    } catch (error) {
      this.#locked.delete(ingest.number);
      throw wrapFileError(error, `write content ${ref}`);
    }
  }

  /** @throws {ContainerError} not_found */
  status(namespace: string, ref: string): IngestStatus {
    return this.#statusOf(this.#get(namespace, ref));
  }

  /** @throws {ContainerError} invalid_argument */
  list(namespace: string, filters: readonly string[]): readonly IngestStatus[] {
    const matches = compileFilters<IngestStatus>(filters, (status, path) =>
      path[0] === "ref" ? scalar(status.ref) : undefined,
    );
    const rows = this.#parts.database.all("SELECT * FROM ingests WHERE namespace = ? ORDER BY ref", namespace);
    return rows.map((row) => this.#statusOf(toIngest(row))).filter(matches);
  }

  /** Gives up an ingest. @throws {ContainerError} not_found, unavailable while a writer has it */
  abort(namespace: string, ref: string): void {
    const { number } = this.#get(namespace, ref);
    if (this.#locked.has(number)) {
      throw new ContainerError("unavailable", `cannot abort ref ${ref}: locked: a writer has it`);
    }
    this.#parts.database.reclaim(() => this.forget(namespace, ref));
    this.removeFile(number);
  }

  /** A write has found no room. */
  noteFull(): void {
    this.#wasFull = true;
  }

  /** Whether a write has found no room since this was asked last: what nobody needs is worth more removed then. */
  takeFull(): boolean {
    const wasFull = this.#wasFull;
    this.#wasFull = false;
    return wasFull;
  }

  /** Whether a writer has an ingest open. */
  isOpen(number: number): boolean {
    return this.#locked.has(number);
  }

  /** Deletes the record of an ingest, in a transaction of the caller's. */
  forget(namespace: string, ref: string): void {
    const { database } = this.#parts;
    database.run("DELETE FROM ingests WHERE namespace = ? AND ref = ?", namespace, ref);
    const sql = "DELETE FROM lease_resources WHERE namespace = ? AND type = 'ingests' AND id = ?";
    database.run(sql, namespace, ref);
  }

  /** Removes the file of an ingest without a record. */
  removeFile(number: number): void {
    try {
      unlinkSync(this.path(number));
    } catch (error) {
      if (!hasErrno(error, "ENOENT")) throw error;
    }
  }

  /** The file of an ingest. */
  path(number: number): string {
    return join(this.#parts.directory, String(number));
  }

  /** The numbers of all files in the directory. */
  listFiles(): readonly number[] {
    return numbersIn(this.#parts.directory);
  }

  #get(namespace: string, ref: string): Ingest {
    const sql = "SELECT * FROM ingests WHERE namespace = ? AND ref = ?";
    const row = this.#parts.database.find(sql, namespace, ref);
    if (row === undefined) throw notFound(`ref ${ref}`);
    return toIngest(row);
  }

  #statusOf(ingest: Ingest): IngestStatus {
    const { ref, total, expected, startedNs } = ingest;
    const stat = statSync(this.path(ingest.number), { throwIfNoEntry: false, bigint: true });
    return { ref, total, expected, startedNs, offset: Number(stat?.size ?? 0n), updatedNs: stat?.mtimeNs ?? startedNs };
  }

  #refuseKnown(scope: Scope, expected: Digest): void {
    const { database, blobs, leases } = this.#parts;
    if (blobs.find(scope.namespace, expected) === undefined) return;
    // The client goes on as if it had written it, so its lease has to hold it all the same.
    database.write(() => leases.hold(scope, "content", expected));
    throw alreadyExists(`content ${expected}`);
  }

  /** Locks a ref and gives its record, made if it is not there. */
  #lock(scope: Scope, wanted: { readonly ref: string; readonly total: number; readonly expected: Digest }): Ingest {
    const { database, namespaces, leases, clock } = this.#parts;
    const { namespace, lease = "" } = scope;
    const { ref, total, expected } = wanted;
    if (expected !== "") parseDigest(expected);
    const ingest = database.write(() => {
      const row = database.find("SELECT number FROM ingests WHERE namespace = ? AND ref = ?", namespace, ref);
      if (row !== undefined && this.#locked.has(integer(row, "number"))) {
        throw new ContainerError("unavailable", `ref ${ref} locked: another writer has it`);
      }
      namespaces.ensure(namespace);
      leases.hold(scope, "ingests", ref);
      const now = clock();
      const expires = lease === "" ? now + INGEST_LIFE_NS : null;
      database.run(
        `INSERT INTO ingests (namespace, ref, expected, total, started_ns, updated_ns, expires_ns)
           VALUES (?, ?, ?, ?, ?, ?, ?)
           ON CONFLICT DO UPDATE SET updated_ns = excluded.updated_ns, expires_ns = excluded.expires_ns,
             expected = iif(excluded.expected = '', expected, excluded.expected),
             total = iif(excluded.total = 0, total, excluded.total)`,
        ...[namespace, ref, expected, total, now, now, expires],
      );
      return this.#get(namespace, ref);
    });
    this.#locked.add(ingest.number);
    return ingest;
  }

  async #openWriter(scope: Scope, ingest: Ingest): Promise<ContentWriter> {
    const { files, blobs, database } = this.#parts;
    const { expected } = ingest;
    const release = () => this.#locked.delete(ingest.number);
    const parts = { scope, ingest, files, blobs, database, ingests: this, release };
    const algorithm = expected === "" ? "sha256" : parseDigest(expected).algorithm;
    const digester = new Digester(algorithm);
    if (expected !== "" && this.#mayShare(expected)) {
      const size = this.#checkedSize(ingest);
      if (size !== undefined) return new ContentWriter(parts, { digester, offset: size, pin: files.pin(expected) });
    }
    const file = await open(this.path(ingest.number), OPEN_INGEST, 0o600);
    try {
      return new ContentWriter(parts, { digester, offset: await hashFile(file, digester), file });
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  /** The size of the blob that is expected, when its file is there; another one than the client's is its mistake. */
  #checkedSize({ expected, total }: Ingest): number | undefined {
    const size = this.#parts.files.findSize(expected);
    if (size === undefined || total === 0 || total === size) return size;
    const why = `it has ${size} bytes, not ${total}`;
    throw new ContainerError("invalid_argument", `cannot write content ${expected}: ${why}`);
  }

  #mayShare(digest: Digest): boolean {
    const { database, namespaces, sharing } = this.#parts;
    const owners = database.all("SELECT namespace FROM blobs WHERE digest = ?", digest);
    if (sharing === "shared") return owners.length > 0;
    return owners.some((row) => namespaces.labelsOf(text(row, "namespace")).get(SHAREABLE_LABEL) === "true");
  }
}

function toIngest(row: Row): Ingest {
  return {
    number: integer(row, "number"),
    ref: text(row, "ref"),
    total: integer(row, "total"),
    expected: text(row, "expected"),
    startedNs: nanoseconds(row, "started_ns"),
  };
}
