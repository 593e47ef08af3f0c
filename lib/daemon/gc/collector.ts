import type { Clock } from "../clock.ts";
import type { ContentStore } from "../content/content-store.ts";
import { decodeLabels } from "../labels.ts";
import { integer, type MetadataDatabase, nanoseconds, text } from "../metadata/database.ts";
import type { SnapshotStore } from "../snapshots/snapshot-store.ts";
import { isExpired, mark, readGraph } from "./graph.ts";
import { describeNode, expiryOf, type Node, node } from "./references.ts";

/** What a collection has removed, for events. */
export interface Collected {
  readonly leases: readonly Named[];
  readonly images: readonly Named[];
  readonly blobs: readonly Named[];
  readonly ingests: readonly Named[];
  readonly snapshots: readonly (Named & { readonly snapshotter: string })[];
}

/** Something that has been removed. */
export interface Named {
  readonly namespace: string;
  readonly name: string;
}

/** What is collected from. */
export interface CollectorParts {
  readonly database: MetadataDatabase;
  readonly clock: Clock;
  readonly content: ContentStore;
  readonly snapshotters: ReadonlyMap<string, SnapshotStore>;
  /** Told what a collection that nobody waits for has removed. */
  readonly onCollected: (collected: Collected) => void;
  readonly warn: (error: unknown) => void;
}

/** Deletions that come together are one reason to collect. */
const DELAY_MS = 100;
const MAX_TIMER_MS = 2_147_483_647;
const NS_PER_MS = 1_000_000n;

/**
 * Removes what nothing needs: what no image, container, lease or label `gc.root` leads to by references. Marking and
 * the removal of records are one transaction, in which nothing else runs; files go after it, each only while no record
 * names it. So nothing can come to be needed between the finding and the removing.
 */
export class Collector implements Disposable {
  readonly #parts: CollectorParts;
  #scheduled: Timer | undefined;
  #expiry: Timer | undefined;

  constructor(parts: CollectorParts) {
    this.#parts = parts;
  }

  /** Collects now. Files of snapshots are removed in the background. */
  collect(): Collected {
    clearTimeout(this.#scheduled);
    this.#scheduled = undefined;
    const { database, clock, content } = this.#parts;
    const now = clock();
    const numbers: number[] = [];
    const discarded = new Map<SnapshotStore, number[]>();
    const collected = database.reclaim(() => {
      numbers.length = 0;
      discarded.clear();
      const leases = this.#expire("leases", "id", () => true, now);
      const isOpen = (number: number) => content.ingests.isOpen(number);
      const reached = mark(readGraph(database, { now, isOpen }));
      const isUnneeded = ({ namespace, name }: Named) => !reached.has(node("image", namespace, name));
      const images = this.#expire("images", "name", isUnneeded, now);
      const ingests = this.#sweepIngests(reached, numbers);
      return {
        leases,
        images,
        ingests,
        blobs: this.#sweepBlobs(reached),
        snapshots: this.#sweepSnapshots(reached, discarded),
      };
    });
    for (const number of numbers) content.ingests.removeFile(number);
    for (const digest of new Set(collected.blobs.map(({ name }) => name))) content.files.reclaim(digest);
    for (const [store, own] of discarded) store.discard(own);
    this.#awaitExpiry(now);
    return collected;
  }

  /** Collects soon: to be called when something was deleted. */
  schedule(): void {
    this.#scheduled ??= setTimeout(() => {
      try {
        this.#parts.onCollected(this.collect());
      } catch (error) {
        this.#parts.warn(error);
      }
    }, DELAY_MS);
  }

  /** Why something is kept: what leads to it, from a root on; empty when nothing does. */
  explain(wanted: Node): readonly string[] {
    const { database, clock, content } = this.#parts;
    const isOpen = (number: number) => content.ingests.isOpen(number);
    const reached = mark(readGraph(database, { now: clock(), isOpen }));
    const chain: string[] = [];
    for (let at = reached.has(wanted) ? wanted : undefined; at !== undefined; ) {
      chain.unshift(describeNode(at));
      const from = reached.get(at);
      at = from === at ? undefined : from;
    }
    return chain;
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#scheduled);
    clearTimeout(this.#expiry);
  }

  /** Deletes what has come to its end and is not needed by others. */
  #expire(
    table: "images" | "leases",
    column: string,
    isUnneeded: (named: Named) => boolean,
    now: bigint,
  ): readonly Named[] {
    const { database } = this.#parts;
    const expired: Named[] = [];
    for (const row of database.all(`SELECT * FROM ${table} WHERE instr(labels, 'containerd.io/gc.expire') > 0`)) {
      if (!isExpired(decodeLabels(text(row, "labels")), now)) continue;
      const named = { namespace: text(row, "namespace"), name: text(row, column) };
      if (!isUnneeded(named)) continue;
      database.run(`DELETE FROM ${table} WHERE namespace = ? AND ${column} = ?`, named.namespace, named.name);
      expired.push(named);
    }
    return expired;
  }

  #sweepBlobs(reached: ReadonlyMap<Node, Node>): readonly Named[] {
    const { database } = this.#parts;
    const rows = database.all("SELECT namespace, digest FROM blobs");
    const unneeded = rows
      .map((row) => ({ namespace: text(row, "namespace"), name: text(row, "digest") }))
      .filter(({ namespace, name }) => !reached.has(node("content", namespace, name)));
    for (const { namespace, name } of unneeded) {
      database.run("DELETE FROM blobs WHERE namespace = ? AND digest = ?", namespace, name);
    }
    return unneeded;
  }

  #sweepIngests(reached: ReadonlyMap<Node, Node>, numbers: number[]): readonly Named[] {
    const { database, content } = this.#parts;
    const unneeded: Named[] = [];
    for (const row of database.all("SELECT number, namespace, ref FROM ingests")) {
      const named = { namespace: text(row, "namespace"), name: text(row, "ref") };
      if (reached.has(node("ingest", named.namespace, named.name))) continue;
      content.ingests.forget(named.namespace, named.name);
      numbers.push(integer(row, "number"));
      unneeded.push(named);
    }
    return unneeded;
  }

  /** Children have higher numbers than their parents, and a snapshot that is needed keeps its parents. */
  #sweepSnapshots(reached: ReadonlyMap<Node, Node>, discarded: Map<SnapshotStore, number[]>): Collected["snapshots"] {
    const { database, snapshotters } = this.#parts;
    const unneeded: (Named & { readonly snapshotter: string })[] = [];
    for (const row of database.all("SELECT namespace, snapshotter, key FROM snapshots ORDER BY number DESC")) {
      const [namespace, name, snapshotter] = [text(row, "namespace"), text(row, "key"), text(row, "snapshotter")];
      const store = snapshotters.get(snapshotter);
      if (store === undefined || reached.has(node("snapshot", namespace, snapshotter, name))) continue;
      const number = store.forget(namespace, name);
      discarded.set(store, [...(discarded.get(store) ?? []), number]);
      unneeded.push({ namespace, name, snapshotter });
    }
    return unneeded;
  }

  /** Sets the clock for what comes to its end next. */
  #awaitExpiry(now: bigint): void {
    const { database } = this.#parts;
    clearTimeout(this.#expiry);
    const where = "WHERE instr(labels, 'containerd.io/gc.expire') > 0";
    const selects = ["leases", "images", "blobs", "snapshots"].map((table) => `SELECT labels FROM ${table} ${where}`);
    const labelled = database.all(selects.join(" UNION ALL "));
    const ingests = database.all("SELECT min(expires_ns) AS next FROM ingests WHERE expires_ns > ?", now);
    const ends = [
      ...labelled.map((row) => expiryOf(decodeLabels(text(row, "labels")))),
      ...ingests.map((row) => (row["next"] === null ? undefined : nanoseconds(row, "next"))),
    ].filter((end) => end !== undefined && end > now);
    const next = ends.reduce((least, end) => (least === undefined || (end ?? now) < least ? end : least), undefined);
    if (next === undefined) return;
    const ms = Math.min(Number((next - now) / NS_PER_MS) + 1, MAX_TIMER_MS);
    this.#expiry = setTimeout(() => this.schedule(), ms);
    this.#expiry.unref();
  }
}
