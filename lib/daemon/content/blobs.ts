import { type Digest, parseDigest } from "../../image/digest.ts";
import type { Clock } from "../clock.ts";
import { type FieldMask, maskLabels } from "../field-mask.ts";
import { compileFilters, entryOf, type Field } from "../filter/match.ts";
import { checkLabels, decodeLabels, encodeLabels, type Labels } from "../labels.ts";
import { integer, type MetadataDatabase, nanoseconds, type Row, text } from "../metadata/database.ts";
import type { LeaseStore } from "../metadata/leases.ts";
import type { NamespaceStore } from "../metadata/namespaces.ts";
import { notFound, type Scope } from "../names.ts";
import type { BlobFiles } from "./blob-files.ts";
import { BlobReader } from "./reader.ts";

/** content.proto: a blob as one namespace sees it. */
export interface BlobInfo {
  readonly digest: Digest;
  readonly size: number;
  readonly labels: Labels;
  readonly createdNs: bigint;
  readonly updatedNs: bigint;
}

/** What the blobs are kept with. */
export interface BlobStoreParts {
  readonly database: MetadataDatabase;
  readonly namespaces: NamespaceStore;
  readonly leases: LeaseStore;
  readonly clock: Clock;
  readonly files: BlobFiles;
}

/** content.proto: what is complete. Namespaces share the bytes and see only what they have written themselves. */
export class BlobStore {
  readonly #parts: BlobStoreParts;

  constructor(parts: BlobStoreParts) {
    this.#parts = parts;
  }

  /** @throws {ContainerError} not_found */
  info(namespace: string, digest: Digest): BlobInfo {
    const info = this.find(namespace, digest);
    if (info === undefined) throw notFound(`content ${digest}`);
    return info;
  }

  /** @throws {ContainerError} invalid_argument for what is no digest */
  find(namespace: string, digest: Digest): BlobInfo | undefined {
    parseDigest(digest);
    const sql = "SELECT * FROM blobs WHERE namespace = ? AND digest = ?";
    const row = this.#parts.database.find(sql, namespace, digest);
    return row === undefined ? undefined : toInfo(row);
  }

  /** Infos in order of their digests, a page at a time. @throws {ContainerError} invalid_argument */
  *walk(namespace: string, filters: readonly string[]): Generator<BlobInfo> {
    const matches = compileFilters(filters, fieldOf);
    const sql = "SELECT * FROM blobs WHERE namespace = ? AND digest > ? ORDER BY digest";
    for (const row of this.#parts.database.walk(sql, "digest", namespace)) {
      const info = toInfo(row);
      if (matches(info)) yield info;
    }
  }

  /** Changes labels; nothing else of a blob can change. @throws {ContainerError} not_found, invalid_argument */
  update(namespace: string, { digest, labels }: Pick<BlobInfo, "digest" | "labels">, mask: FieldMask): BlobInfo {
    const { database, clock } = this.#parts;
    return database.write(() => {
      const current = this.info(namespace, digest);
      const masked = checkLabels(maskLabels(mask, `content ${digest}`, { from: current.labels, to: labels }));
      const updatedNs = clock();
      const sql = "UPDATE blobs SET labels = ?, updated_ns = ? WHERE namespace = ? AND digest = ?";
      database.run(sql, encodeLabels(masked), updatedNs, namespace, digest);
      return { ...current, labels: masked, updatedNs };
    });
  }

  /**
   * Takes a blob from a namespace; its file goes when no other has it. Who is reading it reads on.
   * @throws {ContainerError} not_found
   */
  delete(namespace: string, digest: Digest): void {
    parseDigest(digest);
    const { database, files } = this.#parts;
    const sql = "DELETE FROM blobs WHERE namespace = ? AND digest = ?";
    if (database.reclaim(() => database.run(sql, namespace, digest)) === 0) throw notFound(`content ${digest}`);
    files.reclaim(digest);
  }

  /** Opens a blob for reading; the caller closes it. @throws {ContainerError} not_found */
  async openReader(namespace: string, digest: Digest): Promise<BlobReader> {
    const { size } = this.info(namespace, digest);
    return new BlobReader({ digest, size }, await this.#parts.files.open(digest));
  }

  /**
   * Records a blob whose file is there and pinned. False when the namespace has it already; the lease of the scope holds
   * it in either case. To be called in a transaction.
   */
  record(scope: Scope, { digest, size, labels }: Pick<BlobInfo, "digest" | "size" | "labels">): boolean {
    const { database, namespaces, leases, clock } = this.#parts;
    namespaces.ensure(scope.namespace);
    leases.hold(scope, "content", digest);
    const now = clock();
    const sql = "INSERT OR IGNORE INTO blobs VALUES (?, ?, ?, ?, ?, ?)";
    return database.run(sql, scope.namespace, digest, size, encodeLabels(labels), now, now) > 0;
  }
}

function toInfo(row: Row): BlobInfo {
  return {
    digest: text(row, "digest"),
    size: integer(row, "size"),
    labels: decodeLabels(text(row, "labels")),
    createdNs: nanoseconds(row, "created_ns"),
    updatedNs: nanoseconds(row, "updated_ns"),
  };
}

function fieldOf(info: BlobInfo, path: readonly string[]): Field {
  switch (path[0]) {
    case "digest":
      return info.digest;
    case "size":
      return String(info.size);
    case "labels":
      return entryOf(info.labels, path);
    default:
      return undefined;
  }
}
