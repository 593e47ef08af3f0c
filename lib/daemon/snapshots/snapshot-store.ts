import { ContainerError } from "../../errors.ts";
import type { Usage } from "../../linux/tree/walk.ts";
import type { Background } from "../background.ts";
import type { Clock } from "../clock.ts";
import { type FieldMask, maskLabels } from "../field-mask.ts";
import { compileFilters } from "../filter/match.ts";
import { checkLabels, encodeLabels, type Labels } from "../labels.ts";
import { integer, type MetadataDatabase } from "../metadata/database.ts";
import type { LeaseStore } from "../metadata/leases.ts";
import type { NamespaceStore } from "../metadata/namespaces.ts";
import { alreadyExists, notFound, type Scope } from "../names.ts";
import type { Mount, SnapshotDriver, SnapshotPlan } from "./driver.ts";
import { fieldOf, SELECT, type Snapshot, type SnapshotInfo, toSnapshot } from "./snapshot.ts";

/** What the snapshots of a snapshotter are kept with. */
export interface SnapshotStoreParts {
  readonly database: MetadataDatabase;
  readonly namespaces: NamespaceStore;
  readonly leases: LeaseStore;
  readonly clock: Clock;
  readonly background: Background;
  readonly driver: SnapshotDriver;
  /** Gives numbers that no snapshot of any snapshotter has had. */
  readonly nextNumber: () => number;
  /** What a crash has left is not removed. */
  readonly keepOrphans?: boolean;
}

interface NewSnapshot {
  readonly key: string;
  /** The name of a committed snapshot, or "". */
  readonly parent: string;
  readonly labels: Labels;
}

/**
 * snapshots.proto, for one snapshotter: names of directories, each namespace for itself. Directories are made before their
 * record and removed after it, so a crash leaves directories without one, which the next start removes; their numbers
 * are never used again.
 */
export class SnapshotStore {
  readonly snapshotter: string;
  readonly #parts: SnapshotStoreParts;
  /** Names that are being made. */
  readonly #reserved = new Set<string>();

  constructor(parts: SnapshotStoreParts) {
    this.#parts = parts;
    this.snapshotter = parts.driver.name;
    const orphans = parts.keepOrphans === true ? [] : this.orphans();
    if (orphans.length > 0) this.discard(orphans);
  }

  /** @throws {ContainerError} not_found */
  stat(namespace: string, name: string): SnapshotInfo {
    return this.#get(namespace, name);
  }

  /** Whether there is a committed snapshot of a name, which the lease of the scope then holds. */
  holdCommitted(scope: Scope, name: string): boolean {
    if (this.#find(scope.namespace, name)?.kind !== "committed") return false;
    this.#parts.database.write(() => this.#parts.leases.hold(scope, this.#resourceType, name));
    return true;
  }

  /** Infos in order of their names, a page at a time. @throws {ContainerError} invalid_argument */
  *walk(namespace: string, filters: readonly string[]): Generator<SnapshotInfo> {
    const matches = compileFilters<SnapshotInfo>(filters, fieldOf);
    const sql = `${SELECT} WHERE snapshots.namespace = ? AND snapshots.snapshotter = ? AND snapshots.key > ?
      ORDER BY snapshots.key`;
    for (const row of this.#parts.database.walk(sql, "key", namespace, this.snapshotter)) {
      const snapshot = toSnapshot(row);
      if (matches(snapshot)) yield snapshot;
    }
  }

  /** A snapshot to be written to. @throws {ContainerError} already_exists, not_found, invalid_argument */
  prepare(scope: Scope, snapshot: NewSnapshot): Promise<readonly Mount[]> {
    return this.#create(scope, "active", snapshot);
  }

  /** A snapshot to be read. @throws {ContainerError} already_exists, not_found, invalid_argument */
  view(scope: Scope, snapshot: NewSnapshot): Promise<readonly Mount[]> {
    return this.#create(scope, "view", snapshot);
  }

  /** The mounts of a snapshot that is no committed one. @throws {ContainerError} not_found, failed_precondition */
  mounts(namespace: string, key: string): readonly Mount[] {
    const snapshot = this.#get(namespace, key);
    const { number, kind } = snapshot;
    if (kind === "committed") {
      const why = "it must be active or a view: it is committed";
      throw new ContainerError("failed_precondition", `cannot mount snapshot ${key}: ${why}`);
    }
    return this.#parts.driver.mounts({ number, kind, parents: this.#parentsOf(snapshot) });
  }

  /** Makes an active snapshot a committed one, by another name. @throws {ContainerError} already_exists, not_found */
  async commit(
    scope: Scope,
    names: { readonly key: string; readonly name: string; readonly labels: Labels },
  ): Promise<void> {
    const { key, name } = names;
    const { database, leases, clock, driver } = this.#parts;
    const { namespace } = scope;
    const labels = checkLabels(names.labels);
    this.#checkNew(namespace, name);
    const { number } = this.#getActive(namespace, key);
    const { size, inodes } = await driver.usage(number);
    database.write(() => {
      this.#checkNew(namespace, name);
      // Somebody may have committed or removed it while it was measured.
      if (this.#getActive(namespace, key).number !== number) throw missing(key);
      const now = clock();
      database.run(
        `UPDATE snapshots SET key = ?, kind = 'committed', labels = ?, size = ?, inodes = ?, created_ns = ?, updated_ns = ?
           WHERE number = ?`,
        ...[name, encodeLabels(labels), size, inodes, now, now, number],
      );
      this.#releaseFromLeases(namespace, key);
      leases.hold(scope, this.#resourceType, name);
    });
  }

  /** Removes a snapshot; its files go in the background. @throws {ContainerError} not_found, failed_precondition */
  remove(namespace: string, key: string): void {
    const number = this.#parts.database.reclaim(() => this.forget(namespace, key));
    this.discard([number]);
  }

  /** Deletes the record of a snapshot, in a transaction of the caller's, who then discards the number it returns. */
  forget(namespace: string, key: string): number {
    const { database } = this.#parts;
    const { number } = this.#get(namespace, key);
    if (database.find("SELECT 1 FROM snapshots WHERE parent = ? LIMIT 1", number) !== undefined) {
      throw new ContainerError("failed_precondition", `cannot remove snapshot ${key}: it has children`);
    }
    database.run("DELETE FROM snapshots WHERE number = ?", number);
    this.#releaseFromLeases(namespace, key);
    return number;
  }

  /** Removes the files of snapshots without a record, in the background. */
  discard(numbers: readonly number[]): void {
    const { background, driver } = this.#parts;
    background.run(async () => {
      for (const number of numbers) await driver.remove(number);
    });
  }

  /** What a snapshot takes beyond its parents; measured for an active one. @throws {ContainerError} not_found */
  async usage(namespace: string, key: string): Promise<Usage> {
    const { kind, number, usage } = this.#get(namespace, key);
    return kind === "active" ? await this.#parts.driver.usage(number) : usage;
  }

  /** Changes labels; nothing else of a snapshot can change. @throws {ContainerError} not_found, invalid_argument */
  update(namespace: string, { name, labels }: Pick<SnapshotInfo, "name" | "labels">, mask: FieldMask): SnapshotInfo {
    const { database, clock } = this.#parts;
    return database.write(() => {
      const current = this.#get(namespace, name);
      const masked = checkLabels(maskLabels(mask, `snapshot "${name}"`, { from: current.labels, to: labels }));
      const updatedNs = clock();
      const sql = "UPDATE snapshots SET labels = ?, updated_ns = ? WHERE number = ?";
      database.run(sql, encodeLabels(masked), updatedNs, current.number);
      return { ...current, labels: masked, updatedNs };
    });
  }

  get #resourceType(): string {
    return `snapshots/${this.snapshotter}`;
  }

  async #create(scope: Scope, kind: "active" | "view", snapshot: NewSnapshot): Promise<readonly Mount[]> {
    const { driver, background } = this.#parts;
    const { key } = snapshot;
    const labels = checkLabels(snapshot.labels);
    if (key === "") throw new ContainerError("invalid_argument", "cannot make a snapshot without a key");
    const reservation = `${scope.namespace}\0${key}`;
    if (this.#reserved.has(reservation)) throw alreadyExists(`snapshot "${key}"`);
    this.#checkNew(scope.namespace, key);
    const parents = this.#planParents(scope.namespace, snapshot.parent);
    const plan = { number: this.#parts.nextNumber(), kind, parents };
    this.#reserved.add(reservation);
    try {
      await driver.create(plan);
      this.#record(scope, plan, { ...snapshot, labels });
    } catch (error) {
      background.run(() => driver.remove(plan.number));
      throw error;
    } finally {
      this.#reserved.delete(reservation);
    }
    return driver.mounts(plan);
  }

  #record(scope: Scope, { number, kind, parents }: SnapshotPlan, { key, parent, labels }: NewSnapshot): void {
    const { database, namespaces, leases, clock } = this.#parts;
    database.write(() => {
      // The parent may have been removed, and another made by its name, while files were copied.
      if (parent !== "" && this.#find(scope.namespace, parent)?.number !== parents[0]) throw missingParent(parent);
      namespaces.ensure(scope.namespace);
      const now = clock();
      database.run(
        `INSERT INTO snapshots (number, namespace, snapshotter, key, kind, parent, size, inodes, labels, created_ns, updated_ns)
           VALUES (?, ?, ?, ?, ?, ?, 0, 0, ?, ?, ?)`,
        ...[number, scope.namespace, this.snapshotter, key, kind, parents[0] ?? null, encodeLabels(labels), now, now],
      );
      leases.hold(scope, this.#resourceType, key);
    });
  }

  #planParents(namespace: string, parent: string): readonly number[] {
    if (parent === "") return [];
    const snapshot = this.#find(namespace, parent);
    if (snapshot === undefined) throw missingParent(parent);
    if (snapshot.kind !== "committed") {
      throw new ContainerError("invalid_argument", `parent "${parent}" is not a committed snapshot`);
    }
    return [snapshot.number, ...this.#parentsOf(snapshot)];
  }

  /** From the nearest to the first. */
  #parentsOf({ parentNumber }: Snapshot): readonly number[] {
    if (parentNumber === undefined) return [];
    const sql = `WITH RECURSIVE chain (number, parent, depth) AS (
        SELECT number, parent, 0 FROM snapshots WHERE number = ?
        UNION ALL
        SELECT snapshots.number, snapshots.parent, depth + 1 FROM snapshots JOIN chain ON snapshots.number = chain.parent
      ) SELECT number FROM chain ORDER BY depth`;
    return this.#parts.database.all(sql, parentNumber).map((row) => integer(row, "number"));
  }

  #find(namespace: string, key: string): Snapshot | undefined {
    const sql = `${SELECT} WHERE snapshots.namespace = ? AND snapshots.snapshotter = ? AND snapshots.key = ?`;
    const row = this.#parts.database.find(sql, namespace, this.snapshotter, key);
    return row === undefined ? undefined : toSnapshot(row);
  }

  #get(namespace: string, key: string): Snapshot {
    const snapshot = this.#find(namespace, key);
    if (snapshot === undefined) throw missing(key);
    return snapshot;
  }

  #getActive(namespace: string, key: string): Snapshot {
    const snapshot = this.#get(namespace, key);
    if (snapshot.kind === "active") return snapshot;
    const why = snapshot.kind === "view" ? "a view" : "committed";
    throw new ContainerError("failed_precondition", `cannot commit snapshot ${key}: it must be active: it is ${why}`);
  }

  #checkNew(namespace: string, key: string): void {
    if (this.#find(namespace, key) !== undefined) throw alreadyExists(`snapshot "${key}"`);
  }

  #releaseFromLeases(namespace: string, key: string): void {
    const sql = "DELETE FROM lease_resources WHERE namespace = ? AND type = ? AND id = ?";
    this.#parts.database.run(sql, namespace, this.#resourceType, key);
  }

  /** Numbers of directories that no record names. */
  orphans(): readonly number[] {
    const { database, driver } = this.#parts;
    const rows = database.all("SELECT number FROM snapshots WHERE snapshotter = ?", this.snapshotter);
    const known = new Set(rows.map((row) => integer(row, "number")));
    return driver.list().filter((number) => !known.has(number));
  }
}

function missing(key: string): ContainerError {
  return notFound(`snapshot ${key} does not exist`);
}

function missingParent(parent: string): ContainerError {
  return notFound(`parent snapshot ${parent} does not exist`);
}
