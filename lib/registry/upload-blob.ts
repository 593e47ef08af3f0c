import { ContainerError } from "../errors.ts";
import type { Descriptor } from "../image/descriptor.ts";
import type { ContentSource } from "./content.ts";
import { RequestFailure } from "./failures.ts";
import type { HostClient } from "./host-client.ts";
import type { BlobProgress } from "./progress.ts";
import type { Repository } from "./repository.ts";
import { findDelay, sleep } from "./retry.ts";
import { sourcesOf } from "./source-label.ts";
import { type Reply, readAll } from "./transport.ts";

/** What a blob is sent with. */
export interface UploadParts {
  readonly repository: Repository;
  readonly client: HostClient;
  readonly source: ContentSource;
  readonly signal: AbortSignal;
}

const OCTETS = { "content-type": "application/octet-stream" };
const CREATED = 201;
const ACCEPTED = 202;
const OK = 200;
const NO_CONTENT = 204;
const MAX_ANSWER_BYTES = 65_536;
const MAX_STEPS = 10_000;

/**
 * distribution-spec § Push: sends a blob, unless the registry has it, or can take it from another repository it is known to
 * have come from. The first attempt is one request; after a failure it goes on in parts, from where the registry is.
 * @throws {ContainerError}
 */
export async function uploadBlob(parts: UploadParts, descriptor: Descriptor, progress: BlobProgress): Promise<void> {
  await new Upload(parts, descriptor, progress).run();
}

/** Where an upload goes on, and what the registry has of it. */
interface Session {
  readonly url: URL;
  readonly offset: number;
}

class Upload {
  readonly #parts: UploadParts;
  readonly #descriptor: Descriptor;
  readonly #progress: BlobProgress;
  readonly #scopes: readonly string[];
  /** Failures in a row after which the registry had no more than before. */
  #fruitless = 0;

  constructor(parts: UploadParts, descriptor: Descriptor, progress: BlobProgress) {
    this.#parts = parts;
    this.#descriptor = descriptor;
    this.#progress = progress;
    this.#scopes = pushScopes(parts.repository);
  }

  async run(): Promise<void> {
    const { size } = this.#descriptor;
    if (await this.#isThere()) return this.#progress.tell("already exists", size);
    let session = await this.#mount();
    for (let attempt = 1; session !== undefined; attempt++) session = await this.#advance(session, attempt);
    this.#progress.tell("complete", size);
  }

  /** Sends all, or after a failure the next part. Undefined when the registry has it. */
  async #advance(session: Session, attempt: number): Promise<Session | undefined> {
    const { repository, signal } = this.#parts;
    try {
      const next = attempt === 1 ? await this.#sendWhole(session) : await this.#sendPart(session);
      this.#fruitless = 0;
      return next;
    } catch (error) {
      this.#fruitless += 1;
      const delayMs = attempt < MAX_STEPS ? findDelay(error, this.#fruitless, repository.limits) : undefined;
      if (delayMs === undefined) throw error;
      await sleep(delayMs, signal);
      const resumed = await this.#resume(session);
      if (resumed.offset > session.offset) this.#fruitless = 0;
      return resumed;
    }
  }

  async #isThere(): Promise<boolean> {
    const { client, signal } = this.#parts;
    const at = `blobs/${this.#descriptor.digest}`;
    const reply = await client.ask({ method: "HEAD", at, scopes: this.#scopes, expect: [OK, 404] }, signal);
    await reply.discard();
    return reply.status === OK;
  }

  /** Begins an upload, with the offer to take the blob from where it has come from. */
  async #mount(): Promise<Session | undefined> {
    const { repository, source, client, signal } = this.#parts;
    const { registry, repository: own } = repository.name;
    const { digest, size } = this.#descriptor;
    const from = sourcesOf(await source.labelsOf(digest), registry).find((name) => name !== own);
    if (from === undefined) return await this.#begin();
    const at = `blobs/uploads/?${new URLSearchParams({ mount: digest, from })}`;
    const scopes = [...this.#scopes, `repository:${from}:pull`];
    try {
      const reply = await client.ask({ method: "POST", at, scopes, expect: [CREATED, ACCEPTED], ...EMPTY }, signal);
      await reply.discard();
      if (reply.status === ACCEPTED) return { url: client.locate(reply), offset: 0 };
      this.#progress.tell("mounted", size);
      return undefined;
    } catch (error) {
      // Some registries refuse the offer instead of passing it over, or want rights to the other repository.
      if (!(error instanceof RequestFailure && error.status >= 400 && error.status < 500)) throw error;
      return await this.#begin();
    }
  }

  async #begin(): Promise<Session> {
    const { client, signal } = this.#parts;
    const request = {
      method: "POST",
      at: "blobs/uploads/",
      scopes: this.#scopes,
      expect: [ACCEPTED],
      ...EMPTY,
    } as const;
    const reply = await client.ask(request, signal);
    await reply.discard();
    return { url: client.locate(reply), offset: 0 };
  }

  async #sendWhole({ url }: Session): Promise<undefined> {
    await this.#put(url, 0, this.#descriptor.size);
    return undefined;
  }

  /** Sends the next part; the last one ends the upload. */
  async #sendPart({ url, offset }: Session): Promise<Session | undefined> {
    const { client, repository, signal } = this.#parts;
    const { size } = this.#descriptor;
    const length = Math.min(repository.limits.chunkBytes, size - offset);
    if (offset + length === size) {
      await this.#put(url, offset, length);
      return undefined;
    }
    const headers = {
      ...OCTETS,
      "content-length": String(length),
      "content-range": `${offset}-${offset + length - 1}`,
    };
    const body = () => this.#bytes(offset, length);
    const request = { method: "PATCH", at: url, headers, body, scopes: this.#scopes, expect: [ACCEPTED] } as const;
    const reply = await client.askOnce(request, signal);
    await reply.discard();
    return { url: client.locate(reply), offset: offset + length };
  }

  async #put(url: URL, offset: number, length: number): Promise<void> {
    const { client, signal } = this.#parts;
    const { digest } = this.#descriptor;
    const at = new URL(url);
    at.searchParams.set("digest", digest);
    const range = offset === 0 ? {} : { "content-range": `${offset}-${offset + length - 1}` };
    const headers = { ...OCTETS, "content-length": String(length), ...range };
    const body = length === 0 ? new Uint8Array() : () => this.#bytes(offset, length);
    const reply = await client.askOnce(
      { method: "PUT", at, headers, body, scopes: this.#scopes, expect: [CREATED, NO_CONTENT] },
      signal,
    );
    await reply.discard();
    const stored = reply.headers.get("docker-content-digest") ?? digest;
    if (stored !== digest) throw notWhat(`the registry has stored ${digest} as ${stored}`);
  }

  /** Where the registry is with an upload; it begins anew if that is gone. */
  async #resume({ url }: Session): Promise<Session> {
    const { client, signal } = this.#parts;
    try {
      const request = { method: "GET", at: url, scopes: this.#scopes, expect: [NO_CONTENT, ACCEPTED] } as const;
      const reply = await client.ask(request, signal);
      await readAll(reply, MAX_ANSWER_BYTES);
      const offset = endOf(reply);
      if (offset <= this.#descriptor.size) {
        return { url: reply.headers.has("location") ? client.locate(reply) : url, offset };
      }
    } catch (error) {
      if (!(error instanceof RequestFailure && error.status >= 400 && error.status < 500)) throw error;
    }
    return await this.#begin();
  }

  async *#bytes(offset: number, length: number): AsyncGenerator<Uint8Array> {
    const { source } = this.#parts;
    let left = length;
    for await (const chunk of source.open(this.#descriptor.digest, offset)) {
      const piece = chunk.subarray(0, left);
      yield piece;
      left -= piece.length;
      this.#progress.tellNow("uploading", offset + length - left);
      if (left === 0) return;
    }
    throw notWhat(`${this.#descriptor.digest} has fewer bytes than its descriptor says`);
  }
}

/** A request with an empty body, and so with a length. */
const EMPTY = { body: new Uint8Array(), headers: { "content-length": "0" } } as const;

/** What the token for an upload has to be good for. */
export function pushScopes({ name }: Repository): readonly string[] {
  return [`repository:${name.repository}:pull,push`];
}

/** distribution-spec § Pushing a blob in chunks: `Range: 0-N`; the next byte. */
function endOf({ headers }: Reply): number {
  const [, last] = /^(?:bytes=)?0-(\d+)$/.exec(headers.get("range") ?? "") ?? [];
  // `0-0` is what registries say of an upload without a byte, and of one with one byte: nothing is lost by sending it again.
  return last === undefined || last === "0" ? 0 : Number(last) + 1;
}

function notWhat(why: string): ContainerError {
  return new ContainerError("failed_precondition", why);
}
