import { childLabels } from "../image/child-labels.ts";
import { type DescriptorJson, invalid, parseConfig, toList, toObject, toTexts } from "../image/documents.ts";
import { MEDIA_TYPE } from "../image/media-types.ts";
import { normalizeDockerName, parseDockerName } from "../image/references.ts";
import { fromText } from "../linux/tree/paths.ts";
import { detectCompression } from "../tar/compression.ts";
import { IMAGE_NAME_ANNOTATION, REF_NAME_ANNOTATION } from "./annotations.ts";
import type { ArchiveTarget, StoredBlob } from "./store.ts";

/** By so many bytes a compression is known. */
const MAGIC_BYTES = 4;

/** The blobs of an archive, by their paths in it. */
export interface ArchiveBlobs {
  readonly store: ArchiveTarget;
  find(path: string): StoredBlob | undefined;
}

/**
 * `manifest.json` of `docker save`: makes a manifest of each of its images, as containerd does, so that the same archive
 * gives the same digests, and an index of them.
 * @throws {ContainerError} invalid_argument
 */
export async function convertDockerArchive(archive: ArchiveBlobs, value: unknown): Promise<Uint8Array> {
  const manifests: DescriptorJson[] = [];
  for (const each of toList(value, "manifest.json")) {
    const image = toObject(each, "manifest.json");
    const target = await writeManifest(archive, image);
    const tags = toTexts(image["RepoTags"], "manifest.json: RepoTags");
    if (tags.length === 0) manifests.push(target);
    for (const tag of tags) manifests.push(named(target, tag));
  }
  return Buffer.from(JSON.stringify({ schemaVersion: 2, manifests }));
}

function named(target: DescriptorJson, tag: string): DescriptorJson {
  const { mediaType, digest, size, platform } = target;
  const { tag: name = "" } = parseDockerName(tag);
  const annotations = { [IMAGE_NAME_ANNOTATION]: normalizeDockerName(tag), [REF_NAME_ANNOTATION]: name };
  return { mediaType, digest, size, annotations, ...(platform === undefined ? {} : { platform }) };
}

async function writeManifest(archive: ArchiveBlobs, image: Readonly<Record<string, unknown>>): Promise<DescriptorJson> {
  const { store } = archive;
  const config = { mediaType: MEDIA_TYPE.dockerConfig, ...blobOf(archive, image["Config"]) };
  const layers: DescriptorJson[] = [];
  for (const path of toTexts(image["Layers"], "manifest.json: Layers")) layers.push(await layerOf(archive, path));
  const { diffIds, platform } = parseConfig(await store.document(config.digest), "the config");
  if (diffIds.length !== layers.length) {
    throw invalid("the config", `it has ${diffIds.length} diff ids, the image has ${layers.length} layers`);
  }
  const manifest = { schemaVersion: 2, mediaType: MEDIA_TYPE.dockerManifest, config, layers };
  const bytes = Buffer.from(JSON.stringify(manifest));
  const written = await store.writeBytes(bytes, childLabels({ manifests: [], config, layers }));
  const descriptor = { mediaType: MEDIA_TYPE.dockerManifest, digest: written.digest, size: written.size };
  return platform === undefined ? descriptor : { ...descriptor, platform };
}

function blobOf(archive: ArchiveBlobs, path: unknown): StoredBlob {
  if (typeof path !== "string") throw invalid("manifest.json", "an image has no config");
  const blob = archive.find(fromText(path));
  if (blob === undefined) throw invalid("manifest.json", `${path} is not in the archive`);
  return { digest: blob.digest, size: blob.size };
}

async function layerOf(archive: ArchiveBlobs, path: string): Promise<DescriptorJson> {
  const blob = blobOf(archive, path);
  await using reader = await archive.store.openBlob(blob.digest);
  let beginning: Uint8Array = new Uint8Array();
  for await (const chunk of reader.chunks()) {
    beginning = Buffer.concat([beginning, chunk]);
    if (beginning.length >= MAGIC_BYTES) break;
  }
  const compression = detectCompression(beginning);
  return { mediaType: `${MEDIA_TYPE.dockerLayer}${compression === "none" ? "" : `.${compression}`}`, ...blob };
}
