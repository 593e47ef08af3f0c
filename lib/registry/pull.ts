import { ContainerError } from "../errors.ts";
import { childLabels } from "../image/child-labels.ts";
import type { Descriptor } from "../image/descriptor.ts";
import {
  type DescriptorJson,
  fromJson,
  MAX_DOCUMENT_BYTES,
  parseJson,
  parseReferences,
  type References,
  toObject,
} from "../image/documents.ts";
import { isIndex, isManifest } from "../image/media-types.ts";
import { fittingFirst, formatPlatform, type Platform } from "../image/platforms.ts";
import { ArrivalBoard, type Arrivals } from "./arrivals.ts";
import type { ContentTarget } from "./content.ts";
import { type FetchParts, fetchBlob, storeBlob } from "./fetch-blob.ts";
import { inParallel } from "./in-parallel.ts";
import type { RegistryOptions } from "./options.ts";
import { BlobProgress, type Report, refOf } from "./progress.ts";
import { Repository } from "./repository.ts";

/** What to bring. */
export interface PullRequest {
  /** As people write it: `busybox` is `docker.io/library/busybox:latest`. */
  readonly name: string;
  /** Of an index, which manifests, the best first; without, all. */
  readonly platforms?: readonly Platform[];
  /** How many of the manifests that fit; without, all of them. */
  readonly manifestLimit?: number;
  readonly report: Report;
  readonly signal: AbortSignal;
  /**
   * Work on what was brought: begins when all documents are there, and goes on beside the rest, which it waits for by
   * {@link Arrivals}. The pull ends when both have; where one fails, the other is ended.
   */
  readonly meanwhile?: (target: Descriptor, arrivals: Arrivals) => Promise<void>;
}

/** What was brought. */
export interface Pulled {
  /** The whole name. */
  readonly name: string;
  readonly target: Descriptor;
}

/** Indexes in indexes; deeper is nobody's image. */
const MAX_DEPTH = 4;

/**
 * distribution-spec § Pull: brings an image into a store, each document labelled with what it needs. It makes no name for it:
 * until one is made, something else (a lease) has to keep the content. What was received before a failure stays, and the
 * next pull goes on from there.
 * @throws {ContainerError} what could not be brought, from where, and why
 */
export async function pullImage(
  options: RegistryOptions,
  target: ContentTarget,
  request: PullRequest,
): Promise<Pulled> {
  const repository = new Repository(request.name, options);
  const { full } = repository.name;
  try {
    return await new Pull(repository, target, request).run();
  } catch (error) {
    throw error instanceof ContainerError ? cannotPull(full, error) : error;
  }
}

function cannotPull(name: string, cause: ContainerError): ContainerError {
  return new ContainerError(cause.code, `cannot pull ${name}`, { cause });
}

class Pull {
  readonly #parts: FetchParts;
  readonly #request: PullRequest;
  /** Configs and layers that are still to be brought, with the documents they were found in. */
  readonly #pending = new Map<string, { readonly descriptor: Descriptor; readonly parent: string }>();

  constructor(repository: Repository, target: ContentTarget, request: PullRequest) {
    this.#parts = { repository, target, signal: request.signal };
    this.#request = request;
  }

  async run(): Promise<Pulled> {
    const { repository, signal } = this.#parts;
    const { report } = this.#request;
    const { full } = repository.name;
    report({ event: `Resolving from ${full}`, name: "" });
    const { descriptor, bytes } = await repository.resolve(signal);
    report({ event: `Pulling from ${full}`, name: "" });
    report({ event: "fetching image content", name: full, descriptor });
    if (bytes !== undefined) await storeBlob(this.#parts, descriptor, bytes);
    await this.#document(descriptor, { parent: full, depth: 0 });
    const board = new ArrivalBoard(this.#pending.keys());
    const works = [
      async (either: AbortSignal) => await this.#fetchPending(board, either),
      async (either: AbortSignal) => await this.#request.meanwhile?.(descriptor, board.until(either)),
    ];
    await inParallel(works, { limit: works.length, signal }, async (work, either) => await work(either));
    return { name: full, target: descriptor };
  }

  async #fetchPending(board: ArrivalBoard, signal: AbortSignal): Promise<void> {
    const limit = this.#parts.repository.limits.parallel;
    await inParallel([...this.#pending.values()], { limit, signal }, async ({ descriptor, parent }, either) => {
      const progress = new BlobProgress(this.#request.report, descriptor, parent);
      await fetchBlob({ ...this.#parts, signal: either }, descriptor, progress);
      board.note(descriptor.digest);
    });
  }

  /** Brings a manifest or an index with the documents in it, and takes down what else they need. */
  async #document(descriptor: Descriptor, at: { readonly parent: string; readonly depth: number }): Promise<void> {
    const { report } = this.#request;
    const { digest, size } = descriptor;
    if (at.depth > MAX_DEPTH) throw wrong(digest, `it is the ${at.depth}th index in another`);
    if (size > MAX_DOCUMENT_BYTES) throw wrong(digest, `it has ${size} bytes, at most ${MAX_DOCUMENT_BYTES} are taken`);
    const progress = new BlobProgress(report, descriptor, at.parent);
    progress.tell("waiting", 0);
    await fetchBlob(this.#parts, descriptor, progress);
    const references = await this.#references(descriptor);
    const labels = childLabels(references);
    if (labels.size > 0) await this.#parts.target.label(digest, labels);
    const { config, layers } = references;
    const name = refOf(descriptor);
    for (const part of config === undefined ? layers : [config, ...layers]) this.#add(fromJson(part), name);
    for (const child of this.#chosen(references.manifests)) {
      await this.#document(fromJson(child), { parent: name, depth: at.depth + 1 });
    }
  }

  #add(descriptor: Descriptor, parent: string): void {
    if (this.#pending.has(descriptor.digest)) return;
    this.#pending.set(descriptor.digest, { descriptor, parent });
    new BlobProgress(this.#request.report, descriptor, parent).tell("waiting", 0);
  }

  async #references({ digest, mediaType }: Descriptor): Promise<References> {
    const document = parseJson(await this.#parts.target.read(digest, MAX_DOCUMENT_BYTES), digest);
    checkType(toObject(document, digest), { digest, mediaType });
    return parseReferences(document, digest);
  }

  /** The manifests of an index that are wanted. */
  #chosen(manifests: readonly DescriptorJson[]): readonly DescriptorJson[] {
    const { platforms, manifestLimit = 0 } = this.#request;
    const documents = manifests.filter(({ mediaType }) => isIndex(mediaType) || isManifest(mediaType));
    const fitting = platforms === undefined ? documents : fittingFirst(platforms, documents);
    if (documents.length > 0 && fitting.length === 0) {
      const wanted = (platforms ?? []).map(formatPlatform).join(", ");
      const there = documents.map(({ platform }) => (platform === undefined ? "?" : formatPlatform(platform)));
      const message = `there is no image for ${wanted}: there are ${[...new Set(there)].join(", ")}`;
      throw new ContainerError("not_found", message);
    }
    return manifestLimit > 0 ? fitting.slice(0, manifestLimit) : fitting;
  }
}

/** image-spec: a document that can be read as two things would be one for some and the other for others. */
function checkType(
  document: Readonly<Record<string, unknown>>,
  { digest, mediaType }: Pick<Descriptor, "digest" | "mediaType">,
) {
  const { mediaType: own } = document;
  if (own !== undefined && own !== "" && own !== mediaType) {
    throw wrong(digest, `it says that it is ${JSON.stringify(own)}, but was given as ${mediaType}`);
  }
  const other = isIndex(mediaType) ? ["config", "layers"] : ["manifests"];
  const found = other.find((key) => document[key] !== undefined);
  if (found !== undefined) throw wrong(digest, `as ${mediaType} it must not have ${found}`);
  if (document["schemaVersion"] !== 2) throw wrong(digest, "its schemaVersion is not 2");
}

function wrong(digest: string, why: string): ContainerError {
  return new ContainerError("failed_precondition", `cannot use ${digest}: ${why}`);
}
