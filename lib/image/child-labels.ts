import type { References } from "./documents.ts";

const PREFIX = "containerd.io/gc.ref.content";

/** The labels that keep what a document refers to, by containerd's names: `m.N`, `config`, `l.N`. */
export function childLabels({ manifests, config, layers }: References): ReadonlyMap<string, string> {
  const labels = new Map<string, string>();
  for (const [index, { digest }] of manifests.entries()) labels.set(`${PREFIX}.m.${index}`, digest);
  if (config !== undefined) labels.set(`${PREFIX}.config`, config.digest);
  for (const [index, { digest }] of layers.entries()) labels.set(`${PREFIX}.l.${index}`, digest);
  return labels;
}
