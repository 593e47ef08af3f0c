import { ContainerError, explain } from "../errors.ts";
import type { Descriptor } from "../image/descriptor.ts";
import { digestOf, findDigest } from "../image/digest.ts";
import { MAX_DOCUMENT_BYTES, parseJson, toObject } from "../image/documents.ts";
import { isIndex, isManifest, MEDIA_TYPE } from "../image/media-types.ts";
import { HostClient } from "./host-client.ts";
import type { Capability } from "./hosts.ts";
import { parseRemoteName, type RemoteName } from "./name.ts";
import { DEFAULT_LIMITS, type RegistryLimits, type RegistryOptions } from "./options.ts";
import { type Reply, readAll } from "./transport.ts";

const ACCEPT = [MEDIA_TYPE.ociIndex, MEDIA_TYPE.ociManifest, MEDIA_TYPE.dockerList, MEDIA_TYPE.dockerManifest, "*/*"];
const SCHEMA_1 = /^application\/vnd\.docker\.distribution\.manifest\.v1\b/;
/** What registries call a manifest that was uploaded without its type; then it says itself what it is. */
const VAGUE_TYPES = new Set(["", "application/json", "application/octet-stream", "text/plain"]);

/** What a name stands for: its descriptor, and its bytes if they have come with it. */
export interface Resolved {
  readonly descriptor: Descriptor;
  readonly bytes?: Uint8Array;
}

/** distribution-spec: one repository of a registry, at all hosts that serve it. */
export class Repository {
  readonly name: RemoteName;
  readonly limits: RegistryLimits;
  readonly #clients: readonly HostClient[];

  /** @throws {ContainerError} invalid_argument for the name, failed_precondition for the configuration */
  constructor(name: string, options: RegistryOptions) {
    this.name = parseRemoteName(name);
    this.limits = { ...DEFAULT_LIMITS, ...options.limits };
    this.#clients = options
      .hosts(this.name.registry)
      .map((host) => new HostClient(host, this.name, options, this.limits));
  }

  /** What the token for a download has to be good for. */
  get pullScopes(): readonly string[] {
    return [`repository:${this.name.repository}:pull`];
  }

  /** The hosts that may be asked for something. */
  clients(capability: Capability): readonly HostClient[] {
    return this.#clients.filter(({ host }) => host.capabilities.has(capability));
  }

  /** Finds what the tag, or the digest, of the name stands for. @throws {ContainerError} */
  async resolve(signal: AbortSignal): Promise<Resolved> {
    return await this.anyOf("resolve", async (client) => {
      const reply = await client.ask({ ...this.#manifest("HEAD"), expect: [200, 404, 405] }, signal);
      await reply.discard();
      const size = Number(reply.headers.get("content-length") ?? "");
      const digest = this.name.digest ?? reply.headers.get("docker-content-digest") ?? "";
      const mediaType = typeOf(reply);
      const isWhole = reply.status === 200 && findDigest(digest) !== undefined && size > 0;
      if (!isWhole || !(isIndex(mediaType) || isManifest(mediaType))) return await this.#resolveByGet(client, signal);
      if (size > MAX_DOCUMENT_BYTES) throw this.#tooLarge(size);
      return { descriptor: { mediaType, digest, size, annotations: new Map() } };
    });
  }

  /** Opens a manifest, an index or a blob, from an offset on. The answer is 200, or 206. @throws {ContainerError} */
  async open(client: HostClient, descriptor: Descriptor, offset: number, signal: AbortSignal): Promise<Reply> {
    const { mediaType, digest } = descriptor;
    const isDocument = isIndex(mediaType) || isManifest(mediaType);
    const range: Readonly<Record<string, string>> = offset === 0 ? {} : { range: `bytes=${offset}-` };
    return await client.askOnce(
      {
        method: "GET",
        at: `${isDocument ? "manifests" : "blobs"}/${digest}`,
        headers: { ...range, ...(isDocument ? { accept: ACCEPT.join(", ") } : {}) },
        scopes: this.pullScopes,
        expect: offset === 0 ? [200] : [200, 206],
      },
      signal,
    );
  }

  /** The first success of the hosts, in their order. @throws {ContainerError} with what each of them has said */
  async anyOf<T>(capability: Capability, work: (client: HostClient) => Promise<T>): Promise<T> {
    const failures: unknown[] = [];
    for (const client of this.clients(capability)) {
      try {
        return await work(client);
      } catch (error) {
        // Somebody has ended it, or the fault is ours: the next host would not help.
        if (!(error instanceof ContainerError)) throw error;
        failures.push(error);
      }
    }
    throw joined(failures, `no host of ${this.name.registry} is configured for: ${capability}`);
  }

  async #resolveByGet(client: HostClient, signal: AbortSignal): Promise<Resolved> {
    const reply = await client.ask({ ...this.#manifest("GET"), expect: [200] }, signal);
    const declared = typeOf(reply);
    if (SCHEMA_1.test(declared)) throw this.#noManifest("it is a schema 1 manifest, which is no longer supported");
    const bytes = await readAll(reply, MAX_DOCUMENT_BYTES);
    const mediaType = VAGUE_TYPES.has(declared) ? ownTypeOf(bytes) : declared;
    if (!(isIndex(mediaType) || isManifest(mediaType))) {
      throw this.#noManifest(`the registry says that it is ${JSON.stringify(mediaType || declared)}`);
    }
    const digest = digestOf(bytes);
    const named = this.name.digest ?? digest;
    if (named.startsWith("sha256:") && named !== digest) {
      throw this.#noManifest(`the registry sent other bytes: their digest is ${digest}`);
    }
    return { descriptor: { mediaType, digest: named, size: bytes.length, annotations: new Map() }, bytes };
  }

  #manifest(method: "HEAD" | "GET") {
    const at = `manifests/${this.name.reference}`;
    return { method, at, headers: { accept: ACCEPT.join(", ") }, scopes: this.pullScopes };
  }

  #tooLarge(size: number): ContainerError {
    return this.#noManifest(`it has ${size} bytes, at most ${MAX_DOCUMENT_BYTES} are taken`);
  }

  #noManifest(why: string): ContainerError {
    return new ContainerError("failed_precondition", `${this.name.full} is no image: ${why}`);
  }
}

/** All failures as one; that of the only host as it is. */
function joined(failures: readonly unknown[], none: string): unknown {
  if (failures.length === 0) return new ContainerError("failed_precondition", none);
  const last = failures.at(-1);
  if (failures.length === 1 || !(last instanceof ContainerError)) return last;
  return new ContainerError(last.code, failures.map(explain).join("; "));
}

function typeOf({ headers }: Reply): string {
  return (headers.get("content-type") ?? "").split(";")[0]?.trim().toLowerCase() ?? "";
}

function ownTypeOf(bytes: Uint8Array): string {
  const { mediaType } = toObject(parseJson(bytes, "the manifest"), "the manifest");
  return typeof mediaType === "string" ? mediaType : "";
}
