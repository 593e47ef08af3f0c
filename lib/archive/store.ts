import { childLabels } from "../image/child-labels.ts";
import type { Descriptor } from "../image/descriptor.ts";
import { type DescriptorJson, parseReferences, type References } from "../image/documents.ts";
import { isIndex, isManifest } from "../image/media-types.ts";

/** Labels of a blob, by their keys. */
export type Labels = ReadonlyMap<string, string>;

/** A blob that is in a store. */
export interface StoredBlob {
  readonly digest: string;
  readonly size: number;
}

/** A blob that is being read. */
export interface OpenBlob extends AsyncDisposable {
  readonly size: number;
  chunks(): AsyncIterable<Uint8Array>;
}

/** Where the blobs of archives come from. */
export interface ArchiveSource {
  has(digest: string): Promise<boolean>;
  /** A blob that is JSON. @throws {ContainerError} not_found, invalid_argument, resource_exhausted */
  document(digest: string): Promise<unknown>;
  /** @throws {ContainerError} not_found */
  openBlob(digest: string): Promise<OpenBlob>;
}

/** Where they go. */
export interface ArchiveTarget extends ArchiveSource {
  /**
   * Writes a stream as a blob; one that is there already is no fault.
   * @throws {ContainerError} failed_precondition when its digest is not the expected one, "" for any
   */
  writeBlob(ref: string, chunks: AsyncIterable<Uint8Array>, expected: string): Promise<StoredBlob>;
  /** Writes bytes at hand, and sets labels of the blob. */
  writeBytes(bytes: Uint8Array, labels: Labels): Promise<StoredBlob>;
  /** Sets some labels of a blob that is there. */
  label(digest: string, labels: Labels): Promise<void>;
}

/** What a blob refers to; nothing for what is neither an index nor a manifest. @throws {ContainerError} */
export async function readReferences(
  source: ArchiveSource,
  { mediaType, digest }: Pick<Descriptor, "mediaType" | "digest">,
): Promise<References> {
  if (!isIndex(mediaType) && !isManifest(mediaType)) return { manifests: [], config: undefined, layers: [] };
  return parseReferences(await source.document(digest), digest);
}

/**
 * Labels a document and all it refers to, as far as it is there, so that an image keeps what it is made of.
 * @throws {ContainerError} invalid_argument for documents that are none
 */
export async function labelChildren(
  store: ArchiveTarget,
  target: Pick<Descriptor, "digest" | "mediaType">,
): Promise<void> {
  const pending: Pick<DescriptorJson, "digest" | "mediaType">[] = [target];
  const seen = new Set<string>();
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    const { digest, mediaType } = next;
    if (seen.has(digest) || !(isIndex(mediaType) || isManifest(mediaType))) continue;
    seen.add(digest);
    if (!(await store.has(digest))) continue;
    const references = await readReferences(store, next);
    const labels = childLabels(references);
    if (labels.size > 0) await store.label(digest, labels);
    pending.push(...references.manifests);
  }
}
