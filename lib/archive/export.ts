import { ContainerError } from "../errors.ts";
import type { Descriptor } from "../image/descriptor.ts";
import { type DescriptorJson, fromJson } from "../image/documents.ts";
import { isIndex, isManifest } from "../image/media-types.ts";
import type { Platform } from "../image/platforms.ts";
import { familiarName, parseDockerName } from "../image/references.ts";
import type { TarEntry } from "../tar/tar-entry.ts";
import { encodeHeader, paddingOf, TAR_END } from "../tar/tar-writer.ts";
import { IMAGE_NAME_ANNOTATION, REF_NAME_ANNOTATION } from "./annotations.ts";
import { type ArchiveSource, readReferences } from "./store.ts";

/** An image to be put into an archive, by the name it has there, if any. */
export interface ExportedImage {
  readonly name: string;
  readonly target: Descriptor;
}

/** What goes into an archive. */
export interface ExportOptions {
  readonly images: readonly ExportedImage[];
  /** Which of an index's manifests `docker load` is to see. */
  readonly platform: Platform;
  /** Leaves out `manifest.json`, by which `docker load` knows images. */
  readonly withoutDocker?: boolean;
}

/**
 * image-spec § Image Layout: the archive of images, as it is read. Equal images give equal bytes. Of an index, manifests
 * that are not here are left out, with what they refer to.
 * @throws {ContainerError} not_found when a manifest, config or layer is missing
 */
export async function* exportArchive(
  source: ArchiveSource,
  { images, platform, withoutDocker = false }: ExportOptions,
): AsyncGenerator<Uint8Array> {
  const found = new Map<string, Descriptor>();
  const docker: unknown[] = [];
  for (const { name, target } of images) {
    const manifests = await gather(source, target, found);
    const chosen = manifests.find((each) => fits(each.platform, platform)) ?? manifests[0];
    if (chosen !== undefined) docker.push(dockerImage(name, chosen));
  }
  const digests = [...found.keys()].sort();
  yield encodeHeader(entry("blobs/", 0));
  for (const algorithm of new Set(digests.map((digest) => digest.split(":")[0] ?? ""))) {
    yield encodeHeader(entry(`blobs/${algorithm}/`, 0));
  }
  for (const digest of digests) yield* blobFile(source, digest);
  yield* jsonFile("index.json", { schemaVersion: 2, manifests: images.map(indexEntry) });
  if (!withoutDocker) yield* jsonFile("manifest.json", docker);
  yield* jsonFile("oci-layout", { imageLayoutVersion: "1.0.0" });
  yield TAR_END;
}

/** A manifest with what `manifest.json` says of it. */
interface FoundManifest {
  readonly platform: Platform | undefined;
  readonly config: DescriptorJson | undefined;
  readonly layers: readonly DescriptorJson[];
}

/** Adds all that an image is made of. Returns its manifests. */
async function gather(
  source: ArchiveSource,
  target: Descriptor,
  found: Map<string, Descriptor>,
): Promise<readonly FoundManifest[]> {
  const manifests: FoundManifest[] = [];
  const pending: (Descriptor & { readonly platform?: Platform })[] = [target];
  for (let next = pending.shift(); next !== undefined; next = pending.shift()) {
    const references = await readReferences(source, next);
    found.set(next.digest, next);
    if (isManifest(next.mediaType)) manifests.push({ ...references, platform: next.platform });
    for (const child of references.manifests) if (await source.has(child.digest)) pending.push(withPlatform(child));
    const parts = references.config === undefined ? references.layers : [references.config, ...references.layers];
    for (const part of parts) found.set(part.digest, fromJson(part));
  }
  if (manifests.length === 0 && isIndex(target.mediaType)) {
    throw new ContainerError("not_found", `no manifest of ${target.digest} is here: not found`);
  }
  return manifests;
}

function withPlatform(child: DescriptorJson): Descriptor & { readonly platform?: Platform } {
  const { platform } = child;
  return platform === undefined ? fromJson(child) : { ...fromJson(child), platform };
}

function fits(platform: Platform | undefined, wanted: Platform): boolean {
  return platform?.os === wanted.os && platform.architecture === wanted.architecture;
}

function dockerImage(name: string, { config, layers }: FoundManifest): unknown {
  const path = ({ digest }: DescriptorJson) => `blobs/${digest.replace(":", "/")}`;
  return {
    Config: config === undefined ? "" : path(config),
    RepoTags: name === "" || name.includes("@") ? [] : [familiarName(name)],
    Layers: layers.map(path),
  };
}

function indexEntry({ name, target }: ExportedImage): DescriptorJson {
  const { mediaType, digest, size } = target;
  const names = name === "" ? {} : { [IMAGE_NAME_ANNOTATION]: name, [REF_NAME_ANNOTATION]: tagOf(name) };
  const annotations = { ...Object.fromEntries(target.annotations), ...names };
  return { mediaType, digest, size, ...(Object.keys(annotations).length === 0 ? {} : { annotations }) };
}

/** The tag of a name; the whole of one that is no reference. */
function tagOf(name: string): string {
  try {
    return parseDockerName(name).tag ?? name;
  } catch (error) {
    if (error instanceof ContainerError) return name;
    throw error;
  }
}

async function* blobFile(source: ArchiveSource, digest: string): AsyncGenerator<Uint8Array> {
  await using reader = await source.openBlob(digest);
  yield encodeHeader(entry(`blobs/${digest.replace(":", "/")}`, reader.size));
  yield* reader.chunks();
  yield paddingOf(reader.size);
}

function* jsonFile(name: string, value: unknown): Generator<Uint8Array> {
  const bytes = Buffer.from(JSON.stringify(value));
  yield encodeHeader(entry(name, bytes.length));
  yield bytes;
  yield paddingOf(bytes.length);
}

function entry(name: string, size: number): TarEntry {
  const isDirectory = name.endsWith("/");
  return {
    ...{
      name,
      type: isDirectory ? "directory" : "file",
      target: "",
      mode: isDirectory ? 0o755 : 0o444,
      uid: 0,
      gid: 0,
    },
    ...{ size, mtime: { seconds: 0, nanoseconds: 0 }, atime: undefined, major: 0, minor: 0, attributes: new Map() },
  };
}
