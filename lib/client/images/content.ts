import { containerd } from "../../../proto/gen/daemon.js";
import { ContainerError } from "../../errors.ts";
import { MAX_DOCUMENT_BYTES, parseJson, parseReferences, type References } from "../../image/documents.ts";
import { isIndex, isManifest } from "../../image/media-types.ts";
import type { BlobWriter, ContentSource, ContentTarget, Labels } from "../../registry/content.ts";
import { api } from "../api.ts";
import type { Client, DuplexCall } from "../client.ts";

const { STAT, WRITE, COMMIT } = containerd.services.content.v1.WriteAction;
type WriteRequest = containerd.services.content.v1.WriteContentRequest;
type WriteResponse = containerd.services.content.v1.WriteContentResponse;

/** A daemon takes messages of 16 MiB. */
const MAX_PIECE_BYTES = 4 * 1024 * 1024;

/** The content of a daemon's namespace, for those who bring images and take them away. */
export class RemoteContent implements ContentSource, ContentTarget {
  readonly #client: Client;

  constructor(client: Client) {
    this.#client = client;
  }

  async has(digest: string): Promise<boolean> {
    try {
      await this.#client.call(api.content.info, { digest });
      return true;
    } catch (error) {
      if (isNotFound(error)) return false;
      throw error;
    }
  }

  async read(digest: string, maxBytes: number): Promise<Uint8Array> {
    const parts: Uint8Array[] = [];
    let size = 0;
    for await (const bytes of this.open(digest, 0)) {
      size += bytes.length;
      if (size > maxBytes) {
        throw new ContainerError("resource_exhausted", `cannot read ${digest}: it has more than ${maxBytes} bytes`);
      }
      parts.push(bytes);
    }
    return Buffer.concat(parts);
  }

  /** A blob that is JSON. @throws {ContainerError} */
  async document(digest: string): Promise<unknown> {
    return parseJson(await this.read(digest, MAX_DOCUMENT_BYTES), digest);
  }

  /** What a blob refers to; nothing for what is neither an index nor a manifest. @throws {ContainerError} */
  async references({
    digest,
    mediaType,
  }: {
    readonly digest: string;
    readonly mediaType: string;
  }): Promise<References> {
    if (!isIndex(mediaType) && !isManifest(mediaType)) return { manifests: [], config: undefined, layers: [] };
    return parseReferences(await this.document(digest), digest);
  }

  async *open(digest: string, offset: number): AsyncGenerator<Uint8Array> {
    for await (const { data } of this.#client.stream(api.content.read, { digest, offset })) yield data;
  }

  async size(digest: string): Promise<number> {
    const { info } = await this.#client.call(api.content.info, { digest });
    return Number(info?.size ?? 0);
  }

  async labelsOf(digest: string): Promise<Labels> {
    const { info } = await this.#client.call(api.content.info, { digest });
    return new Map(Object.entries(info?.labels ?? {}));
  }

  async label(digest: string, labels: Labels): Promise<void> {
    const paths = [...labels.keys()].map((key) => `labels.${key}`);
    const info = { digest, labels: Object.fromEntries(labels) };
    if (paths.length > 0) await this.#client.call(api.content.update, { info, updateMask: { paths } });
  }

  async openWriter(wanted: {
    readonly ref: string;
    readonly total: number;
    readonly expected: string;
  }): Promise<RemoteWriter> {
    const call = this.#client.duplex(api.content.write);
    try {
      const { offset } = await exchange(call, { action: STAT, ...wanted });
      return new RemoteWriter(call, wanted.ref, Number(offset));
    } catch (error) {
      call.end();
      throw error;
    }
  }

  /** Writes bytes at hand as a blob, or labels the one that is there. @throws {ContainerError} */
  async write(digest: string, bytes: Uint8Array, labels: Labels): Promise<void> {
    const wanted = { ref: `document-${digest}`, total: bytes.length, expected: digest };
    try {
      await using writer = await this.openWriter(wanted);
      await writer.truncate(0);
      await writer.write(bytes);
      await writer.commit({ size: bytes.length, expected: digest, labels });
    } catch (error) {
      if (!isAlreadyThere(error)) throw error;
      await this.label(digest, labels);
    }
  }

  /** Forgets what was written of a blob. */
  async abort(ref: string): Promise<void> {
    try {
      await this.#client.call(api.content.abort, { ref });
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
  }
}

type WriteCall = DuplexCall<WriteRequest, WriteResponse>;

/** A blob that is being written. */
export class RemoteWriter implements BlobWriter, AsyncDisposable {
  readonly #call: WriteCall;
  readonly #ref: string;
  #offset: number;

  constructor(call: WriteCall, ref: string, offset: number) {
    this.#call = call;
    this.#ref = ref;
    this.#offset = offset;
  }

  get offset(): number {
    return this.#offset;
  }

  async write(bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.length; at += MAX_PIECE_BYTES) {
      const data = bytes.subarray(at, at + MAX_PIECE_BYTES);
      await exchange(this.#call, { action: WRITE, ref: this.#ref, offset: this.#offset, data });
      this.#offset += data.length;
    }
  }

  async truncate(size: 0): Promise<void> {
    if (this.#offset === size) return;
    await exchange(this.#call, { action: WRITE, ref: this.#ref, offset: size });
    this.#offset = size;
  }

  /** Gives the digest. */
  async commit({
    size,
    expected,
    labels,
  }: {
    readonly size: number;
    readonly expected: string;
    readonly labels: Labels;
  }): Promise<string> {
    const request = { action: COMMIT, ref: this.#ref, offset: this.#offset, total: size, expected };
    const { digest } = await exchange(this.#call, { ...request, labels: Object.fromEntries(labels) });
    return digest;
  }

  async close(): Promise<void> {
    this.#call.end();
    await this.#call.responses.return(undefined);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

/** One request, and the answer to it. @throws {ContainerError} as the daemon says */
async function exchange(call: WriteCall, request: Parameters<WriteCall["send"]>[0]): Promise<WriteResponse> {
  await call.send(request);
  const { done, value } = await call.responses.next();
  if (done === true) throw new ContainerError("unavailable", "the daemon has ended a write of content without a word");
  return value;
}

export function isNotFound(error: unknown): boolean {
  return error instanceof ContainerError && error.code === "not_found";
}

export function isAlreadyThere(error: unknown): boolean {
  return error instanceof ContainerError && error.code === "already_exists";
}
