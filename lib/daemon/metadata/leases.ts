import { ContainerError } from "../../errors.ts";
import type { Clock } from "../clock.ts";
import { compileFilters, entryOf, type Field, scalar } from "../filter/match.ts";
import { checkLabels, decodeLabels, encodeLabels, type Labels } from "../labels.ts";
import { alreadyExists, notFound, type Scope } from "../names.ts";
import { type MetadataDatabase, nanoseconds, type Row, text } from "./database.ts";
import type { NamespaceStore } from "./namespaces.ts";

/** leases.proto: Lease. */
export interface Lease {
  readonly id: string;
  readonly labels: Labels;
  readonly createdNs: bigint;
}

/** What a lease holds: `content`, `ingests`, `images` or `snapshots/<snapshotter>`, and its name there. */
export interface LeaseResource {
  readonly type: string;
  readonly id: string;
}

const RESOURCE_TYPE = /^(?:content|ingests|images|snapshots\/[^/]+)$/;
const ID_BYTES = 12;

/** leases.proto: what holds content and snapshots while a client works on them. */
export class LeaseStore {
  readonly #database: MetadataDatabase;
  readonly #namespaces: NamespaceStore;
  readonly #clock: Clock;

  constructor(database: MetadataDatabase, namespaces: NamespaceStore, clock: Clock) {
    this.#database = database;
    this.#namespaces = namespaces;
    this.#clock = clock;
  }

  /** A lease with this id, or with one that is made up when it is "". @throws {ContainerError} already_exists */
  create(namespace: string, { id, labels }: { readonly id: string; readonly labels: Labels }): Lease {
    const lease = { id: id === "" ? randomId() : id, labels: checkLabels(labels), createdNs: this.#clock() };
    return this.#database.write(() => {
      this.#namespaces.ensure(namespace);
      const sql = "INSERT OR IGNORE INTO leases VALUES (?, ?, ?, ?)";
      const added = this.#database.run(sql, namespace, lease.id, encodeLabels(lease.labels), lease.createdNs);
      if (added === 0) throw alreadyExists(`lease "${lease.id}"`);
      return lease;
    });
  }

  /** @throws {ContainerError} not_found */
  delete(namespace: string, id: string): void {
    const deleted = this.#database.reclaim(() =>
      this.#database.run("DELETE FROM leases WHERE namespace = ? AND id = ?", namespace, id),
    );
    if (deleted === 0) throw notFound(`lease "${id}"`);
  }

  /** @throws {ContainerError} invalid_argument */
  list(namespace: string, filters: readonly string[]): readonly Lease[] {
    const matches = compileFilters(filters, fieldOf);
    const rows = this.#database.all("SELECT * FROM leases WHERE namespace = ? ORDER BY id", namespace);
    return rows.map(toLease).filter(matches);
  }

  /** @throws {ContainerError} not_found, unimplemented */
  addResource(namespace: string, lease: string, { type, id }: LeaseResource): void {
    checkResourceType(type);
    this.#database.write(() => {
      this.#check(namespace, lease);
      this.#database.run("INSERT OR IGNORE INTO lease_resources VALUES (?, ?, ?, ?)", namespace, lease, type, id);
    });
  }

  /** @throws {ContainerError} not_found, unimplemented. What the lease does not hold is no fault. */
  deleteResource(namespace: string, lease: string, { type, id }: LeaseResource): void {
    checkResourceType(type);
    this.#database.write(() => {
      this.#check(namespace, lease);
      const sql = "DELETE FROM lease_resources WHERE namespace = ? AND lease = ? AND type = ? AND id = ?";
      this.#database.run(sql, namespace, lease, type, id);
    });
  }

  /** @throws {ContainerError} not_found */
  listResources(namespace: string, lease: string): readonly LeaseResource[] {
    this.#check(namespace, lease);
    const sql = "SELECT type, id FROM lease_resources WHERE namespace = ? AND lease = ? ORDER BY type, id";
    return this.#database.all(sql, namespace, lease).map((row) => ({ type: text(row, "type"), id: text(row, "id") }));
  }

  /**
   * Gives what a request makes to the lease it names, if any. To be called in the transaction that makes it: there is no
   * moment at which nothing holds it. @throws {ContainerError} not_found
   */
  hold({ namespace, lease }: Scope, type: string, id: string): void {
    if (lease !== undefined && lease !== "") this.addResource(namespace, lease, { type, id });
  }

  #check(namespace: string, lease: string): void {
    const sql = "SELECT 1 FROM leases WHERE namespace = ? AND id = ?";
    if (this.#database.find(sql, namespace, lease) === undefined) throw notFound(`lease "${lease}"`);
  }
}

function checkResourceType(type: string): void {
  if (RESOURCE_TYPE.test(type)) return;
  throw new ContainerError("unimplemented", `cannot hold resource type "${type}" by a lease`);
}

/** Lease ids are free text: clients use paths as such. */
function randomId(): string {
  return Buffer.from(crypto.getRandomValues(new Uint8Array(ID_BYTES))).toString("hex");
}

function toLease(row: Row): Lease {
  return {
    id: text(row, "id"),
    labels: decodeLabels(text(row, "labels")),
    createdNs: nanoseconds(row, "created_ns"),
  };
}

function fieldOf(lease: Lease, path: readonly string[]): Field {
  if (path[0] === "id") return scalar(lease.id);
  return path[0] === "labels" ? entryOf(lease.labels, path) : undefined;
}
