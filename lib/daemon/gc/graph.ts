import { decodeLabels, type Labels, NO_LABELS } from "../labels.ts";
import { type MetadataDatabase, nanoseconds, type Row, text } from "../metadata/database.ts";
import { type Condition, conditionsOf, usesOf } from "./conditions.ts";
import {
  backReferencesOf,
  expiryOf,
  isFlat,
  isRoot,
  type Node,
  type NodeKind,
  node,
  nodeOfResource,
  referencesOf,
} from "./references.ts";

/** Who needs whom, and what is needed for its own sake. */
export interface Graph {
  readonly roots: ReadonlySet<Node>;
  /** Needed for their own sake, but not what they refer to. */
  readonly flatRoots: ReadonlySet<Node>;
  readonly edges: ReadonlyMap<Node, readonly Node[]>;
  /** Of snapshots, and of images the content they name: these hold even for what is flat. */
  readonly parents: ReadonlyMap<Node, Node>;
}

/** Only labels that speak to the collector are looked at. */
const GC_LABELS = "iif(instr(labels, 'containerd.io/gc.') > 0, labels, '{}') AS labels";

/** Reads the references among all rows, as they are at one moment. `isOpen` tells of ingests with a writer. */
export function readGraph(
  database: MetadataDatabase,
  { now, isOpen }: { readonly now: bigint; readonly isOpen: (number: number) => boolean },
): Graph {
  const builder = new Builder();
  for (const row of database.all(`SELECT namespace, name, digest, ${GC_LABELS} FROM images`)) {
    const image = builder.add("image", row, text(row, "name"));
    const content = node("content", text(row, "namespace"), text(row, "digest"));
    builder.edge(image, content);
    builder.parents.set(image, content);
    builder.addConditions(image, row);
    // One that has expired may still be needed by somebody else.
    if (!isExpired(builder.labels, now)) builder.roots.add(image);
  }
  const containers = `SELECT namespace, id, snapshotter, snapshot_key, ${GC_LABELS} FROM containers`;
  for (const row of database.all(containers)) {
    const container = builder.add("container", row, text(row, "id"));
    const key = text(row, "snapshot_key");
    if (key !== "") builder.edge(container, node("snapshot", text(row, "namespace"), text(row, "snapshotter"), key));
    builder.roots.add(container);
  }
  for (const row of database.all(`SELECT namespace, digest, ${GC_LABELS} FROM blobs`)) {
    const blob = builder.add("content", row, text(row, "digest"));
    builder.addConditions(blob, row);
    if (isRoot(builder.labels, now)) builder.roots.add(blob);
  }
  for (const row of database.all(`SELECT namespace, id, ${GC_LABELS} FROM sandboxes`)) {
    builder.roots.add(builder.add("sandbox", row, text(row, "id")));
  }
  readSnapshots(database, builder, now);
  readLeases(database, builder, now);
  readIngests(database, builder, { now, isOpen });
  return builder;
}

function readIngests(
  database: MetadataDatabase,
  builder: Builder,
  { now, isOpen }: { readonly now: bigint; readonly isOpen: (number: number) => boolean },
): void {
  for (const row of database.all("SELECT number, namespace, ref, expected, expires_ns FROM ingests")) {
    const ingest = node("ingest", text(row, "namespace"), text(row, "ref"));
    if (text(row, "expected") !== "")
      builder.edge(ingest, node("content", text(row, "namespace"), text(row, "expected")));
    const isAlive = row["expires_ns"] !== null && nanoseconds(row, "expires_ns") > now;
    if (isAlive || isOpen(Number(row["number"]))) builder.roots.add(ingest);
  }
}

function readSnapshots(database: MetadataDatabase, builder: Builder, now: bigint): void {
  const byNumber = new Map<bigint, Node>();
  const sql = `SELECT number, parent, namespace, snapshotter, key, ${GC_LABELS} FROM snapshots ORDER BY number`;
  for (const row of database.all(sql)) {
    const snapshot = builder.add("snapshot", row, text(row, "snapshotter"), text(row, "key"));
    byNumber.set(nanoseconds(row, "number"), snapshot);
    if (isRoot(builder.labels, now)) builder.roots.add(snapshot);
    builder.meetConditions(snapshot, now);
    const { parent } = row;
    const above = typeof parent === "bigint" ? byNumber.get(parent) : undefined;
    if (above === undefined) continue;
    builder.parents.set(snapshot, above);
    builder.edge(snapshot, above);
  }
}

function readLeases(database: MetadataDatabase, builder: Builder, now: bigint): void {
  const flat = new Set<Node>();
  const alive = new Set<Node>();
  for (const row of database.all("SELECT namespace, id, labels FROM leases")) {
    const lease = builder.add("lease", row, text(row, "id"));
    if (isExpired(builder.labels, now)) continue;
    alive.add(lease);
    builder.roots.add(lease);
    if (isFlat(builder.labels)) flat.add(lease);
  }
  for (const row of database.all("SELECT namespace, lease, type, id FROM lease_resources")) {
    const namespace = text(row, "namespace");
    const lease = node("lease", namespace, text(row, "lease"));
    const resource = nodeOfResource(namespace, { type: text(row, "type"), id: text(row, "id") });
    if (flat.has(lease)) builder.flatRoots.add(resource);
    else if (alive.has(lease)) builder.edge(lease, resource);
  }
}

/** Whether labels name an end that has come. */
export function isExpired(labels: Labels, now: bigint): boolean {
  const expiry = expiryOf(labels);
  return expiry !== undefined && expiry <= now;
}

class Builder implements Graph {
  readonly roots = new Set<Node>();
  readonly flatRoots = new Set<Node>();
  readonly edges = new Map<Node, Node[]>();
  readonly parents = new Map<Node, Node>();
  /** The labels of the node that was added last. */
  labels: Labels = NO_LABELS;

  readonly #conditions = new Map<Node, (readonly [from: Node, holds: Condition["holds"]])[]>();

  /** The node of a row with a namespace and labels, with what those say. */
  add(kind: Exclude<NodeKind, "ingest">, row: Row, ...names: readonly string[]): Node {
    const namespace = text(row, "namespace");
    const added = node(kind, namespace, ...names);
    const labels = text(row, "labels");
    this.labels = labels === "{}" ? NO_LABELS : decodeLabels(labels);
    for (const target of referencesOf(namespace, this.labels)) this.edge(added, target);
    for (const source of backReferencesOf(namespace, this.labels)) this.edge(source, added);
    return added;
  }

  /** What the labels of the node that was added last say of snapshots it may need: to be told before those are added. */
  addConditions(from: Node, row: Row): void {
    for (const { snapshot, holds } of conditionsOf(text(row, "namespace"), this.labels)) {
      const known = this.#conditions.get(snapshot);
      if (known === undefined) this.#conditions.set(snapshot, [[from, holds]]);
      else known.push([from, holds]);
    }
  }

  /** Decides by the labels of the snapshot that was added last whether somebody needs it. */
  meetConditions(snapshot: Node, now: bigint): void {
    for (const [from, holds] of this.#conditions.get(snapshot) ?? []) {
      if (usesOf(this.labels).some((used) => holds(used, now))) this.edge(from, snapshot);
    }
  }

  edge(from: Node, to: Node): void {
    const edges = this.edges.get(from);
    if (edges === undefined) this.edges.set(from, [to]);
    else edges.push(to);
  }
}

/** All that is needed: each node with the one that led to it, or with itself when it is a root. */
export function mark({ roots, flatRoots, edges, parents }: Graph): ReadonlyMap<Node, Node> {
  const reached = new Map<Node, Node>();
  const pending: Node[] = [];
  const reach = (found: Node, from: Node) => {
    if (reached.has(found)) return;
    reached.set(found, from);
    pending.push(found);
  };
  for (const root of roots) reach(root, root);
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    for (const target of edges.get(next) ?? []) reach(target, next);
  }
  for (const flat of flatRoots) {
    let from = flat;
    for (let at: Node | undefined = flat; at !== undefined && !reached.has(at); at = parents.get(at)) {
      reached.set(at, from);
      from = at;
    }
  }
  return reached;
}
