import type { Labels } from "./content.ts";
import type { RemoteName } from "./name.ts";

const PREFIX = "containerd.io/distribution.source.";
/** containerd's limit of a label, key and value together. */
const MAX_LABEL_BYTES = 4096;

/** The label that says from which repositories of a registry a blob has come, with one more; none when it is full. */
export function withSource(labels: Labels, { registry, repository }: RemoteName): Labels {
  const key = keyOf(registry);
  const value = [...new Set([...sourcesOf(labels, registry), repository])].join(",");
  return Buffer.byteLength(key) + Buffer.byteLength(value) > MAX_LABEL_BYTES ? new Map() : new Map([[key, value]]);
}

/** containerd leaves the port out. */
function keyOf(registry: string): string {
  return `${PREFIX}${registry.replace(/:\d+$/, "")}`;
}

/** The repositories of a registry from which a blob has come. */
export function sourcesOf(labels: Labels, registry: string): readonly string[] {
  return (labels.get(keyOf(registry)) ?? "").split(",").filter((name) => name !== "");
}
