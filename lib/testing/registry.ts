import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { digestOf } from "../image/digest.ts";

/** What a faulty registry does with a request instead of answering it; undefined lets it answer. */
export type Fault = (request: IncomingMessage, response: ServerResponse, path: string) => boolean | undefined;

/** For tests: a registry in memory, on a port of loopback of its own, that lies, stalls and breaks off when it is told to. */
export class FakeRegistry implements AsyncDisposable {
  readonly blobs = new Map<string, Uint8Array>();
  /** By `repository@digest` and `repository:tag`. */
  readonly manifests = new Map<string, { readonly bytes: Uint8Array; readonly mediaType: string }>();
  /** `METHOD path range` of all requests. */
  readonly log: string[] = [];
  /** The headers of the requests, in the same order. */
  readonly headers: IncomingMessage["headers"][] = [];
  readonly #uploads = new Map<string, Uint8Array[]>();
  readonly #server: Server;
  /** Asked first; true when it has answered. */
  fault: Fault = () => false;

  private constructor() {
    this.#server = createServer((request, response) => {
      this.#handle(request, response).catch(() => response.destroy());
    });
  }

  static async start(): Promise<FakeRegistry> {
    const registry = new FakeRegistry();
    await new Promise<void>((resolve) => registry.#server.listen(0, "127.0.0.1", resolve));
    return registry;
  }

  get host(): string {
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Requests whose line matches. */
  count(pattern: RegExp): number {
    return this.log.filter((line) => pattern.test(line)).length;
  }

  addBlob(bytes: Uint8Array): { digest: string; size: number } {
    const digest = digestOf(bytes);
    this.blobs.set(digest, bytes);
    return { digest, size: bytes.length };
  }

  addManifest(
    repository: string,
    tag: string,
    document: { readonly mediaType: string; readonly [key: string]: unknown },
  ) {
    const bytes = Buffer.from(JSON.stringify(document));
    const digest = digestOf(bytes);
    const { mediaType } = document;
    for (const key of [`${repository}@${digest}`, `${repository}:${tag}`])
      this.manifests.set(key, { bytes, mediaType });
    return { mediaType, digest, size: bytes.length };
  }

  /** An image of some layers. */
  addImage(repository: string, tag: string, layers: readonly Uint8Array[], architecture = "amd64") {
    const config = {
      architecture,
      os: "linux",
      rootfs: { type: "layers", diff_ids: layers.map((each) => digestOf(each)) },
    };
    const [configType, layerType] = [
      "application/vnd.oci.image.config.v1+json",
      "application/vnd.oci.image.layer.v1.tar",
    ];
    return this.addManifest(repository, tag, {
      ...{ schemaVersion: 2, mediaType: "application/vnd.oci.image.manifest.v1+json" },
      ...{ config: { mediaType: configType, ...this.addBlob(Buffer.from(JSON.stringify(config))) } },
      ...{ layers: layers.map((each) => ({ mediaType: layerType, ...this.addBlob(each) })) },
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = "", url = "" } = request;
    const { pathname: path, searchParams } = new URL(url, "http://registry");
    this.log.push(`${method} ${path} ${request.headers.range ?? ""}`.trim());
    this.headers.push(request.headers);
    if (this.fault(request, response, path) === true) return;
    const [, repository = "", kind = "", name = ""] =
      /^\/v2\/(.+)\/(manifests|blobs\/uploads|blobs)\/(.*)$/.exec(path) ?? [];
    if (kind === "manifests") return await this.#manifest(request, response, { repository, name });
    if (kind === "blobs") return this.#blob(request, response, name);
    if (kind === "blobs/uploads") return await this.#upload(request, response, { repository, name, searchParams });
    response.writeHead(404).end();
  }

  async #manifest(
    request: IncomingMessage,
    response: ServerResponse,
    { repository, name }: Record<"repository" | "name", string>,
  ) {
    const key = `${repository}${name.includes(":") ? "@" : ":"}${name}`;
    if (request.method === "PUT") {
      const bytes = await bodyOf(request);
      const digest = digestOf(bytes);
      const stored = { bytes, mediaType: request.headers["content-type"] ?? "" };
      this.manifests.set(key, stored).set(`${repository}@${digest}`, stored);
      response.writeHead(201, { "docker-content-digest": digest }).end();
      return;
    }
    const found = this.manifests.get(key);
    if (found === undefined) return refuse(response, 404, "MANIFEST_UNKNOWN", "manifest unknown");
    const headers = { "content-type": found.mediaType, "docker-content-digest": digestOf(found.bytes) };
    response.writeHead(200, { ...headers, "content-length": found.bytes.length });
    response.end(request.method === "HEAD" ? undefined : found.bytes);
  }

  #blob(request: IncomingMessage, response: ServerResponse, digest: string): void {
    const bytes = this.blobs.get(digest);
    if (bytes === undefined) {
      refuse(response, 404, "BLOB_UNKNOWN", "blob unknown to registry");
      return;
    }
    const [, start] = /^bytes=(\d+)-$/.exec(request.headers.range ?? "") ?? [];
    const rest = bytes.subarray(Number(start ?? 0));
    const range = { "content-range": `bytes ${start}-${bytes.length - 1}/${bytes.length}` };
    response.writeHead(start === undefined ? 200 : 206, {
      "content-length": rest.length,
      ...(start === undefined ? {} : range),
    });
    response.end(request.method === "HEAD" ? undefined : rest);
  }

  async #upload(
    request: IncomingMessage,
    response: ServerResponse,
    { repository, name, searchParams }: { repository: string; name: string; searchParams: URLSearchParams },
  ): Promise<void> {
    const id = name === "" ? crypto.randomUUID() : name;
    const mounted = searchParams.get("mount");
    if (mounted !== null && this.blobs.has(mounted)) {
      response.writeHead(201).end();
      return;
    }
    const parts = this.#uploads.get(id) ?? [];
    this.#uploads.set(id, parts);
    for await (const chunk of request) parts.push(chunk);
    const bytes = Buffer.concat(parts);
    const location = `/v2/${repository}/blobs/uploads/${id}?state=secret`;
    if (request.method !== "PUT") {
      const range = `0-${Math.max(0, bytes.length - 1)}`;
      response.writeHead(request.method === "GET" ? 204 : 202, { location, range }).end();
      return;
    }
    const digest = searchParams.get("digest") ?? "";
    if (digestOf(bytes) !== digest) return refuse(response, 400, "DIGEST_INVALID", "provided digest did not match");
    this.blobs.set(digest, bytes);
    response.writeHead(201, { "docker-content-digest": digest }).end();
  }
}

function refuse(response: ServerResponse, status: number, code: string, message: string): void {
  response
    .writeHead(status, { "content-type": "application/json" })
    .end(JSON.stringify({ errors: [{ code, message }] }));
}

async function bodyOf(request: IncomingMessage): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  for await (const chunk of request) parts.push(chunk);
  return Buffer.concat(parts);
}
