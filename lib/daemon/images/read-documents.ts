import type { Descriptor } from "../../image/descriptor.ts";
import { MAX_DOCUMENT_BYTES, parseJson, parseReferences, type References } from "../../image/documents.ts";
import { isIndex, isManifest } from "../../image/media-types.ts";
import type { BlobStore } from "../content/blobs.ts";

/** Reads what a blob refers to; nothing for what is neither an index nor a manifest. @throws {ContainerError} */
export async function readReferences(
  blobs: BlobStore,
  namespace: string,
  { mediaType, digest }: Pick<Descriptor, "mediaType" | "digest">,
): Promise<References> {
  if (!isIndex(mediaType) && !isManifest(mediaType)) return { manifests: [], config: undefined, layers: [] };
  return parseReferences(await readDocument(blobs, namespace, digest), digest);
}

/** A blob that is JSON. @throws {ContainerError} not_found, invalid_argument, resource_exhausted */
export async function readDocument(blobs: BlobStore, namespace: string, digest: string): Promise<unknown> {
  await using reader = await blobs.openReader(namespace, digest);
  return parseJson(await reader.bytes(MAX_DOCUMENT_BYTES), digest);
}
