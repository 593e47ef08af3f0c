import { childLabels } from "../../image/child-labels.ts";
import type { Descriptor } from "../../image/descriptor.ts";
import type { DescriptorJson } from "../../image/documents.ts";
import { isIndex, isManifest } from "../../image/media-types.ts";
import type { BlobStore } from "../content/blobs.ts";
import { readReferences } from "./read-documents.ts";

/**
 * Labels a document and all it refers to, as far as it is there, so that an image keeps what it is made of.
 * @throws {ContainerError} invalid_argument for documents that are none
 */
export async function labelChildren(
  blobs: BlobStore,
  namespace: string,
  target: Pick<Descriptor, "digest" | "mediaType">,
): Promise<void> {
  const pending: Pick<DescriptorJson, "digest" | "mediaType">[] = [target];
  const seen = new Set<string>();
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    const { digest, mediaType } = next;
    if (seen.has(digest) || !(isIndex(mediaType) || isManifest(mediaType))) continue;
    seen.add(digest);
    if (blobs.find(namespace, digest) === undefined) continue;
    const references = await readReferences(blobs, namespace, next);
    const labels = childLabels(references);
    const mask = [...labels.keys()].map((key) => `labels.${key}`);
    if (mask.length > 0) blobs.update(namespace, { digest, labels }, mask);
    pending.push(...references.manifests);
  }
}
