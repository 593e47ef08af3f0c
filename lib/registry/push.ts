import { ContainerError } from "../errors.ts";
import type { Descriptor } from "../image/descriptor.ts";
import { type DescriptorJson, fromJson, MAX_DOCUMENT_BYTES, parseJson, parseReferences } from "../image/documents.ts";
import { isIndex, isManifest } from "../image/media-types.ts";
import { fittingFirst, formatPlatform, type Platform } from "../image/platforms.ts";
import type { ContentSource } from "./content.ts";
import type { HostClient } from "./host-client.ts";
import { inParallel } from "./in-parallel.ts";
import type { RegistryOptions } from "./options.ts";
import { BlobProgress, type Report, refOf } from "./progress.ts";
import { Repository } from "./repository.ts";
import { pushScopes, type UploadParts, uploadBlob } from "./upload-blob.ts";

/** What to send. */
export interface PushRequest {
  /** The name that it has in the registry afterwards. */
  readonly name: string;
  readonly target: Descriptor;
  /** Of an index, sends the manifest that fits best, under the name of the whole. */
  readonly platforms?: readonly Platform[];
  readonly report: Report;
  readonly signal: AbortSignal;
}

const MAX_DEPTH = 4;

/**
 * distribution-spec § Push: sends an image to a registry, each document after what it refers to, so the name is there only
 * when all of it is. What the registry has already is not sent.
 * @throws {ContainerError} what could not be sent, where to, and why
 */
export async function pushImage(options: RegistryOptions, source: ContentSource, request: PushRequest): Promise<void> {
  const repository = new Repository(request.name, options);
  const { full } = repository.name;
  try {
    await repository.anyOf("push", async (client) => {
      request.signal.throwIfAborted();
      await new Push({ repository, client, source, signal: request.signal }, request).run();
    });
  } catch (error) {
    throw error instanceof ContainerError ? cannotPush(full, error) : error;
  }
}

function cannotPush(name: string, cause: ContainerError): ContainerError {
  return new ContainerError(cause.code, `cannot push ${name}`, { cause });
}

class Push {
  readonly #parts: UploadParts;
  readonly #request: PushRequest;
  readonly #client: HostClient;
  /** Blobs that the registry has by now. */
  readonly #done = new Set<string>();

  constructor(parts: UploadParts, request: PushRequest) {
    this.#parts = parts;
    this.#client = parts.client;
    this.#request = request;
  }

  async run(): Promise<void> {
    const { repository } = this.#parts;
    const { report } = this.#request;
    const { full, reference } = repository.name;
    const target = await this.#chosen();
    report({ event: `Pushing to ${full}`, name: "" });
    report({ event: "pushing content", name: full, descriptor: target });
    await this.#document(target, { parent: full, depth: 0, reference });
    report({ event: "pushed content", name: full, descriptor: target });
    report({ event: `Completed push to ${full}`, name: "", descriptor: target });
  }

  async #document(
    descriptor: Descriptor,
    at: { readonly parent: string; readonly depth: number; readonly reference: string },
  ): Promise<void> {
    const { digest } = descriptor;
    if (at.depth > MAX_DEPTH) throw notHere(`${digest} is the ${at.depth}th index in another`);
    const progress = new BlobProgress(this.#request.report, descriptor, at.parent);
    progress.tell("waiting", 0);
    const bytes = await this.#read(descriptor);
    const { manifests, config, layers } = parseReferences(parseJson(bytes, digest), digest);
    const name = refOf(descriptor);
    for (const child of manifests) {
      await this.#document(fromJson(child), { parent: name, depth: at.depth + 1, reference: child.digest });
    }
    await this.#blobs(config === undefined ? layers : [config, ...layers], name);
    await this.#putDocument(descriptor, { bytes, reference: at.reference, progress });
  }

  async #blobs(children: readonly DescriptorJson[], parent: string): Promise<void> {
    const { repository, signal } = this.#parts;
    const fresh = children.filter(({ digest }, index) => {
      return !this.#done.has(digest) && children.findIndex((each) => each.digest === digest) === index;
    });
    for (const child of fresh) new BlobProgress(this.#request.report, fromJson(child), parent).tell("waiting", 0);
    await inParallel(fresh, { limit: repository.limits.parallel, signal }, async (child, either) => {
      const descriptor = fromJson(child);
      const progress = new BlobProgress(this.#request.report, descriptor, parent);
      // What may not be distributed stays where it is.
      if (/\.(?:nondistributable|foreign)\./.test(child.mediaType)) return progress.tell("skipped", child.size);
      await uploadBlob({ ...this.#parts, signal: either }, descriptor, progress);
      this.#done.add(child.digest);
    });
  }

  async #putDocument(
    { mediaType, digest, size }: Descriptor,
    { bytes, reference, progress }: { bytes: Uint8Array; reference: string; progress: BlobProgress },
  ): Promise<void> {
    const { repository, signal } = this.#parts;
    const [at, scopes] = [`manifests/${reference}`, pushScopes(repository)];
    const known = await this.#client.ask(
      { method: "HEAD", at, headers: { accept: mediaType }, scopes, expect: [200, 404] },
      signal,
    );
    await known.discard();
    if (known.status === 200 && known.headers.get("docker-content-digest") === digest) {
      return progress.tell("already exists", size);
    }
    const headers = { "content-type": mediaType };
    const reply = await this.#client.ask(
      { method: "PUT", at, headers, body: bytes, scopes, expect: [200, 201, 202] },
      signal,
    );
    await reply.discard();
    const stored = reply.headers.get("docker-content-digest") ?? digest;
    if (stored !== digest) throw notHere(`the registry has stored ${digest} as ${stored}`);
    progress.tell("complete", size);
  }

  async #read({ digest, size, mediaType }: Descriptor): Promise<Uint8Array> {
    if (!(isIndex(mediaType) || isManifest(mediaType))) throw notHere(`${digest} is ${mediaType}, and no image`);
    if (!(await this.#parts.source.has(digest))) {
      const advice = "name the platform to push, or pull the image with all of its platforms";
      throw notHere(`${digest} of the image is not here: ${advice}`);
    }
    const bytes = await this.#parts.source.read(digest, MAX_DOCUMENT_BYTES);
    if (bytes.length !== size) throw notHere(`${digest} has ${bytes.length} bytes, not ${size}`);
    return bytes;
  }

  /** What is sent: the image, or of an index the manifest that is wanted. */
  async #chosen(): Promise<Descriptor> {
    const { target, platforms } = this.#request;
    if (platforms === undefined || !isIndex(target.mediaType)) return target;
    const bytes = await this.#read(target);
    const { manifests } = parseReferences(parseJson(bytes, target.digest), target.digest);
    // One that does not say what it is for is not pushed for a platform.
    const [best] = fittingFirst(
      platforms,
      manifests.filter(({ platform }) => platform !== undefined),
    );
    if (best !== undefined) return fromJson(best);
    throw notHere(`it has no manifest for ${platforms.map(formatPlatform).join(", ")}`);
  }
}

function notHere(why: string): ContainerError {
  return new ContainerError("failed_precondition", why);
}
