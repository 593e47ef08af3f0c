import type { ContentSource, ContentTarget, Labels } from "../../registry/content.ts";
import type { ContentStore } from "../content/content-store.ts";
import type { Scope } from "../names.ts";

/** The content of a namespace, as a registry's client reads and writes it. The lease of the scope holds what it writes. */
export function storeContent(content: ContentStore, scope: Scope): ContentTarget & ContentSource {
  const { blobs, ingests } = content;
  const { namespace } = scope;
  return {
    openWriter: async (wanted) => await ingests.openWriter(scope, wanted),
    async read(digest, maxBytes) {
      await using reader = await blobs.openReader(namespace, digest);
      return await reader.bytes(maxBytes);
    },
    async *open(digest, offset) {
      await using reader = await blobs.openReader(namespace, digest);
      yield* reader.chunks({ offset });
    },
    has: async (digest) => blobs.find(namespace, digest) !== undefined,
    labelsOf: async (digest) => blobs.info(namespace, digest).labels,
    label: async (digest, labels) => setLabels(content, namespace, { digest, labels }),
  };
}

function setLabels({ blobs }: ContentStore, namespace: string, blob: { digest: string; labels: Labels }): void {
  const mask = [...blob.labels.keys()].map((key) => `labels.${key}`);
  blobs.update(namespace, blob, mask);
}
