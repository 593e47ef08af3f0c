import { ContainerError } from "../errors.ts";
import { childLabels } from "../image/child-labels.ts";
import type { Descriptor } from "../image/descriptor.ts";
import { findDigest } from "../image/digest.ts";
import { fromJson, invalid, MAX_DOCUMENT_BYTES, parseJson, parseReferences, toObject } from "../image/documents.ts";
import { isIndex, isManifest, MEDIA_TYPE } from "../image/media-types.ts";
import { clean, join, split, toText } from "../linux/tree/paths.ts";
import { decompress } from "../tar/compression.ts";
import type { TarEntry } from "../tar/tar-entry.ts";
import { TarReader } from "../tar/tar-reader.ts";
import { IMAGE_NAME_ANNOTATION, REF_NAME_ANNOTATION } from "./annotations.ts";
import { type ArchiveBlobs, convertDockerArchive } from "./docker-archive.ts";
import { type ArchiveTarget, labelChildren, type StoredBlob } from "./store.ts";

/** An archive that is in the content store now. */
export interface ImportedArchive {
  readonly index: Descriptor;
  readonly images: readonly ImportedImage[];
}

/** An image of an archive. */
export interface ImportedImage {
  /** Its name in full, or what was made of its tag; "" for one without. */
  readonly name: string;
  readonly tag: string;
  /** Whether the archive has the name in full. */
  readonly isFull: boolean;
  readonly target: Descriptor;
}

/** How the images of an archive are named. */
export interface ImportOptions {
  /** The name of an image that the archive has only a tag for; without, or when it gives "", it has none. */
  readonly nameOfTag?: (tag: string) => string;
}

const LAYOUT_VERSION = "1.0.0";

/**
 * image-spec § Image Layout, or what `docker save` makes: writes an archive, compressed or not, into a store as it comes. Blobs
 * are verified by their names. A lease should hold them until images do.
 * @throws {ContainerError} invalid_argument for what is neither
 */
export async function importArchive(
  store: ArchiveTarget,
  chunks: AsyncIterable<Uint8Array>,
  options: ImportOptions = {},
): Promise<ImportedArchive> {
  const archive = new IncomingArchive(store);
  const reader = new TarReader(decompress(chunks));
  try {
    for (let entry = await reader.next(); entry !== undefined; entry = await reader.next()) {
      await archive.add(entry, reader);
    }
    await reader.drain();
  } finally {
    await reader.close();
  }
  return await archive.finish(options);
}

/** What an archive has brought so far. */
class IncomingArchive implements ArchiveBlobs {
  readonly store: ArchiveTarget;
  readonly #id = crypto.randomUUID();
  readonly #documents = new Map<string, unknown>();
  readonly #blobs = new Map<string, StoredBlob>();
  readonly #links = new Map<string, string>();
  #index: Uint8Array = new Uint8Array();

  constructor(store: ArchiveTarget) {
    this.store = store;
  }

  async add(entry: TarEntry, reader: TarReader): Promise<void> {
    const path = clean(entry.name);
    if (entry.type === "link") this.#links.set(path, clean(join(split(path)[0], entry.target)));
    else if (entry.type === "hard link") this.#links.set(path, clean(entry.target));
    else if (entry.type !== "file") return;
    else if (path === "index.json" || path === "oci-layout" || path === "manifest.json") {
      const bytes = await readSmall(entry, reader);
      if (path === "index.json") this.#index = bytes;
      this.#documents.set(path, parseJson(bytes, path));
    } else this.#blobs.set(path, await this.#write(path, reader));
  }

  /** A blob by its path in the archive, links followed. */
  find(path: string): StoredBlob | undefined {
    let at = clean(path);
    for (let links = 0; links <= this.#links.size; links++) {
      const target = this.#links.get(at);
      if (target === undefined) return this.#blobs.get(at);
      at = target;
    }
    return undefined;
  }

  async finish({ nameOfTag }: ImportOptions): Promise<ImportedArchive> {
    const layout = this.#documents.get("oci-layout");
    const index = layout === undefined ? await this.#fromDocker() : this.#fromLayout(layout);
    const references = parseReferences(parseJson(index, "index.json"), "index.json");
    const written = await this.store.writeBytes(index, childLabels(references));
    const images: ImportedImage[] = [];
    for (const manifest of references.manifests) {
      if (!isIndex(manifest.mediaType) && !isManifest(manifest.mediaType)) continue;
      await labelChildren(this.store, manifest);
      const { annotations = {} } = manifest;
      const tag = annotations[REF_NAME_ANNOTATION] ?? "";
      const full = annotations[IMAGE_NAME_ANNOTATION];
      const name = full ?? (tag === "" ? "" : (nameOfTag?.(tag) ?? ""));
      images.push({ name, tag, isFull: full !== undefined, target: { ...fromJson(manifest), annotations: new Map() } });
    }
    return { index: { mediaType: MEDIA_TYPE.ociIndex, ...written, annotations: new Map() }, images };
  }

  async #write(path: string, reader: TarReader): Promise<StoredBlob> {
    const [, algorithm = "", hex = ""] = /^blobs\/([^/]+)\/([^/]+)$/.exec(path) ?? [];
    const expected = findDigest(`${algorithm}:${hex}`) === undefined ? "" : `${algorithm}:${hex}`;
    try {
      const ref = `import-${this.#id}-${toText(path).slice(0, 1000)}`;
      return await this.store.writeBlob(ref, contentOf(reader), expected);
    } catch (error) {
      const isOther = error instanceof ContainerError && error.code === "failed_precondition";
      throw isOther ? invalid(toText(path), "its bytes are not what its name says", error) : error;
    }
  }

  #fromLayout(layout: unknown): Uint8Array {
    const version = toObject(layout, "oci-layout")["imageLayoutVersion"];
    if (version !== LAYOUT_VERSION)
      throw invalid("oci-layout", `version ${JSON.stringify(version)} is not ${LAYOUT_VERSION}`);
    if (this.#index.length === 0) throw invalid("the archive", "it has no index.json");
    return this.#index;
  }

  async #fromDocker(): Promise<Uint8Array> {
    const manifests = this.#documents.get("manifest.json");
    if (manifests === undefined) throw invalid("the archive", "it has neither oci-layout nor manifest.json");
    return await convertDockerArchive(this, manifests);
  }
}

/** The bytes of a file in an archive, each chunk a buffer of its own. */
async function* contentOf(reader: TarReader): AsyncGenerator<Uint8Array> {
  for (let chunk = await reader.read(); chunk !== undefined; chunk = await reader.read()) yield chunk.bytes;
}

async function readSmall(entry: TarEntry, reader: TarReader): Promise<Uint8Array> {
  if (entry.size > MAX_DOCUMENT_BYTES) throw invalid(toText(entry.name), `it has ${entry.size} bytes`);
  const parts: Uint8Array[] = [];
  for await (const bytes of contentOf(reader)) parts.push(bytes.slice());
  return Buffer.concat(parts);
}
