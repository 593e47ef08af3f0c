import { ContainerError } from "../errors.ts";
import type { Descriptor } from "../image/descriptor.ts";
import type { BlobWriter, ContentTarget } from "./content.ts";
import { RequestFailure } from "./failures.ts";
import type { HostClient } from "./host-client.ts";
import { type BlobProgress, refOf } from "./progress.ts";
import type { Repository } from "./repository.ts";
import { findDelay, sleep } from "./retry.ts";
import { withSource } from "./source-label.ts";
import type { Reply } from "./transport.ts";

/** A registry that gives a few bytes at a time is not followed for ever. */
const MAX_RESUMPTIONS = 50;
const LOCKED_POLL_MS = 100;
const PARTIAL = 206;
const NOT_SATISFIABLE = 416;

/** What a blob is brought with. */
export interface FetchParts {
  readonly repository: Repository;
  readonly target: ContentTarget;
  readonly signal: AbortSignal;
}

/**
 * Brings a blob into the store, from where an earlier attempt has left it, and with any host that has it. Size and digest are
 * those of the descriptor, or it fails. What was received of it stays to be resumed.
 * @throws {ContainerError}
 */
export async function fetchBlob(parts: FetchParts, descriptor: Descriptor, progress: BlobProgress): Promise<void> {
  const { repository, signal } = parts;
  await repository.anyOf("pull", async (client) => {
    signal.throwIfAborted();
    await new Download(parts, descriptor, progress).run(client);
  });
}

/** Writes a blob whose bytes are at hand. @throws {ContainerError} */
export async function storeBlob(parts: FetchParts, descriptor: Descriptor, bytes: Uint8Array): Promise<void> {
  const writer = await openWriter(parts, descriptor);
  if (writer === undefined) return;
  try {
    await writer.truncate(0);
    await writer.write(bytes);
    await writer.commit(commitOf(parts, descriptor));
  } catch (error) {
    if (!isAlreadyThere(error)) throw error;
  } finally {
    await writer.close();
  }
}

class Download {
  readonly #parts: FetchParts;
  readonly #descriptor: Descriptor;
  readonly #progress: BlobProgress;

  constructor(parts: FetchParts, descriptor: Descriptor, progress: BlobProgress) {
    this.#parts = parts;
    this.#descriptor = descriptor;
    this.#progress = progress;
  }

  async run(client: HostClient): Promise<void> {
    const { repository, signal } = this.#parts;
    let fruitless = 0;
    for (let attempt = 1; ; attempt++) {
      const writer = await openWriter(this.#parts, this.#descriptor);
      if (writer === undefined) return await this.#markPresent();
      const begin = writer.offset;
      let delayMs: number | undefined;
      try {
        await this.#fill(writer, client);
        await this.#commit(writer, begin > 0);
        this.#progress.tell("complete", this.#descriptor.size);
        return;
      } catch (error) {
        fruitless = writer.offset > begin ? 1 : fruitless + 1;
        delayMs = attempt < MAX_RESUMPTIONS ? findDelay(error, fruitless, repository.limits) : undefined;
        if (delayMs === undefined) throw error;
      } finally {
        await writer.close();
      }
      await sleep(delayMs, signal);
    }
  }

  async #fill(writer: BlobWriter, client: HostClient): Promise<void> {
    const { size } = this.#descriptor;
    if (writer.offset > size) await writer.truncate(0);
    if (writer.offset === size) return;
    const reply = await this.#open(writer, client);
    try {
      this.#checkLength(reply, size - writer.offset);
      for await (const chunk of reply.chunks()) {
        if (writer.offset + chunk.length > size) throw this.#wrong(`there are more than its ${size} bytes`);
        await writer.write(chunk);
        this.#progress.tellNow("downloading", writer.offset);
      }
    } finally {
      await reply.discard();
    }
    if (writer.offset < size) throw this.#wrong(`it ended after ${writer.offset} of ${size} bytes`, true);
  }

  /** The answer that goes on where the writer is; the writer begins again when the registry does. */
  async #open(writer: BlobWriter, client: HostClient): Promise<Reply> {
    const { repository, signal } = this.#parts;
    try {
      const reply = await repository.open(client, this.#descriptor, writer.offset, signal);
      if (writer.offset === 0 || startOf(reply) === writer.offset) return reply;
      if (reply.status === PARTIAL) {
        await reply.discard();
        await writer.truncate(0);
        throw this.#wrong("the registry sent another part than was asked for", true);
      }
      await writer.truncate(0);
      return reply;
    } catch (error) {
      if (!(error instanceof RequestFailure && error.status === NOT_SATISFIABLE)) throw error;
      await writer.truncate(0);
      throw this.#wrong("the registry knows no such part of it", true);
    }
  }

  #checkLength({ headers }: Reply, expected: number): void {
    const length = headers.get("content-length");
    if (length === null || Number(length) === expected) return;
    throw this.#wrong(`the registry has ${length} bytes of it where ${expected} are missing`);
  }

  async #commit(writer: BlobWriter, isResumed: boolean): Promise<void> {
    try {
      await writer.commit(commitOf(this.#parts, this.#descriptor));
    } catch (error) {
      if (isAlreadyThere(error)) return;
      if (!(error instanceof ContainerError && error.code === "failed_precondition")) throw error;
      // The store has dropped the bytes. Those that were there before may have been the wrong ones.
      throw this.#wrong("its bytes have another digest", isResumed, error);
    }
  }

  async #markPresent(): Promise<void> {
    const { target, repository } = this.#parts;
    const { digest, size } = this.#descriptor;
    const labels = withSource(await target.labelsOf(digest), repository.name);
    if (labels.size > 0) await target.label(digest, labels);
    this.#progress.tell("already exists", size);
  }

  #wrong(why: string, isTransient = false, cause?: unknown): RequestFailure {
    const message = `cannot fetch ${refOf(this.#descriptor)}: ${why}`;
    return new RequestFailure(isTransient ? "unavailable" : "failed_precondition", message, { isTransient, cause });
  }
}

/** The one writer of a blob, waited for while somebody else has it; undefined when the blob is there. */
async function openWriter({ target, signal }: FetchParts, descriptor: Descriptor): Promise<BlobWriter | undefined> {
  const { digest, size } = descriptor;
  for (;;) {
    try {
      return await target.openWriter({ ref: refOf(descriptor), total: size, expected: digest });
    } catch (error) {
      if (isAlreadyThere(error)) return undefined;
      if (!isLocked(error)) throw error;
    }
    await sleep(LOCKED_POLL_MS, signal);
  }
}

function commitOf({ repository }: FetchParts, { digest, size }: Descriptor) {
  return { size, expected: digest, labels: withSource(new Map(), repository.name) };
}

/** RFC 9110 § 14.4: where the part begins that an answer has. */
function startOf({ status, headers }: Reply): number | undefined {
  const [, start] = /^bytes (\d+)-/.exec(headers.get("content-range") ?? "") ?? [];
  return status === PARTIAL && start !== undefined ? Number(start) : undefined;
}

/** A store that cannot be reached is unavailable, too, and may be for ever. containerd: `ref %s locked for %s (since %s)` */
function isLocked(error: unknown): boolean {
  return error instanceof ContainerError && error.code === "unavailable" && /\blocked\b/.test(error.message);
}

function isAlreadyThere(error: unknown): boolean {
  return error instanceof ContainerError && error.code === "already_exists";
}
