import type { Labels } from "../labels.ts";

/**
 * A thing that can be garbage, as one text: its kind, namespace and names, joined by NUL, which no name has. Snapshots have
 * their snapshotter before their key.
 */
export type Node = string;
/** The kinds of things that refer and are referred to. */
export type NodeKind = "container" | "content" | "image" | "ingest" | "lease" | "sandbox" | "snapshot";

/** The node of a thing by its names. */
export function node(kind: NodeKind, namespace: string, ...names: readonly string[]): Node {
  return [kind, namespace, ...names].join("\0");
}

/** A node as people read it. */
export function describeNode(text: Node): string {
  const [kind = "", namespace = "", ...names] = text.split("\0");
  return `${kind} ${names.join("/")} in namespace ${namespace}`;
}

const ROOT = "containerd.io/gc.root";
const EXPIRE = "containerd.io/gc.expire";
const FLAT = "containerd.io/gc.flat";
const REFERENCE = "containerd.io/gc.ref.";
const BACK_REFERENCE = "containerd.io/gc.bref.";

/** Whether an object is kept for its own sake: for ever, or until a time. */
export function isRoot(labels: Labels, now: bigint): boolean {
  for (const key of labels.keys()) if (key.startsWith(ROOT)) return true;
  const expiry = expiryOf(labels);
  return expiry !== undefined && expiry > now;
}

/** Whether a lease holds nothing but what it names. */
export function isFlat(labels: Labels): boolean {
  return labels.has(FLAT);
}

/** When an object ends, in nanoseconds since 1970; undefined when it does not, or does not say so in RFC 3339. */
export function expiryOf(labels: Labels): bigint | undefined {
  const text = labels.get(EXPIRE);
  return text === undefined ? undefined : instantOf(text);
}

const RFC_3339 = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)$/;

/** A time in nanoseconds since 1970; undefined for what is not RFC 3339, which is no reason to remove anything. */
export function instantOf(text: string): bigint | undefined {
  const ms = RFC_3339.test(text) ? Date.parse(text) : Number.NaN;
  return Number.isNaN(ms) ? undefined : BigInt(ms) * 1_000_000n;
}

/** What the labels of an object say that it needs. */
export function referencesOf(namespace: string, labels: Labels): readonly Node[] {
  return nodesOf(namespace, labels, REFERENCE);
}

/** What the labels of an object say that needs it. */
export function backReferencesOf(namespace: string, labels: Labels): readonly Node[] {
  return nodesOf(namespace, labels, BACK_REFERENCE);
}

function nodesOf(namespace: string, labels: Labels, prefix: string): readonly Node[] {
  const nodes: Node[] = [];
  for (const [key, value] of labels) {
    if (!key.startsWith(prefix) || value === "") continue;
    const found = nodeOf(namespace, key.slice(prefix.length), value);
    if (found !== undefined) nodes.push(found);
  }
  return nodes;
}

/** `content`, `content.l.0` or `content/x`; `snapshot.SNAPSHOTTER` or `snapshot.SNAPSHOTTER/x`. */
const KEY = /^(content|image|container)(?:[./].*)?$|^snapshot\.([^/]+)(?:\/.*)?$/;

function nodeOf(namespace: string, key: string, value: string): Node | undefined {
  const [, kind, snapshotter] = KEY.exec(key) ?? [];
  if (snapshotter !== undefined) return node("snapshot", namespace, snapshotter, value);
  if (kind === "content" || kind === "image" || kind === "container") return node(kind, namespace, value);
  return undefined;
}

/** What a resource of a lease is. */
export function nodeOfResource(namespace: string, { type, id }: { readonly type: string; readonly id: string }): Node {
  const snapshotter = /^snapshots\/(.+)$/.exec(type)?.[1];
  if (snapshotter !== undefined) return node("snapshot", namespace, snapshotter, id);
  if (type === "ingests") return node("ingest", namespace, id);
  return node(type === "images" ? "image" : "content", namespace, id);
}
