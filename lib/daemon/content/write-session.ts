import { ContainerError } from "../../errors.ts";
import type { Digest } from "../../image/digest.ts";
import type { Labels } from "../labels.ts";
import type { Scope } from "../names.ts";
import type { IngestStore } from "./ingests.ts";
import type { ContentWriter } from "./writer.ts";

/** One message of a client that writes. */
export interface WriteRequest {
  readonly action: "stat" | "write" | "commit";
  readonly ref: string;
  /** 0 when the client does not say; so is "" of `expected`. */
  readonly total: number;
  readonly expected: Digest;
  readonly offset: number;
  readonly data: Uint8Array;
  readonly labels: Labels;
}

export interface WriteStatus {
  readonly startedNs: bigint;
  readonly updatedNs: bigint;
  readonly offset: number;
  readonly total: number;
  readonly digest: Digest;
}

/** content.proto: Write. What one client says about one ref, message after message. */
export class WriteSession implements AsyncDisposable {
  readonly #ingests: IngestStore;
  readonly #scope: Scope;
  #writer: ContentWriter | undefined;
  #total = 0;
  #expected: Digest = "";

  constructor(ingests: IngestStore, scope: Scope) {
    this.#ingests = ingests;
    this.#scope = scope;
  }

  /** @throws {ContainerError} those of ContentWriter, and out_of_range for what is not to be written at the end */
  async handle(request: WriteRequest): Promise<WriteStatus> {
    this.#agree(request);
    this.#writer ??= await this.#ingests.openWriter(this.#scope, {
      ref: request.ref,
      total: this.#total,
      expected: this.#expected,
    });
    const writer = this.#writer;
    if (request.action === "stat") return this.#statusOf(writer);
    await place(writer, request);
    if (request.action === "write") return this.#statusOf(writer);
    // The record of the ingest ends with the commit.
    const before = this.#statusOf(writer);
    const digest = await writer.commit({ size: this.#total, expected: this.#expected, labels: request.labels });
    return { ...before, digest };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#writer?.close();
  }

  /** Size and digest may be named once they are known, and not be changed then. */
  #agree({ ref, total, expected }: WriteRequest): void {
    const wrong = (why: string) => new ContainerError("invalid_argument", `cannot write content: ${why}`);
    if (this.#writer === undefined && ref === "") throw wrong("the first message must have a ref");
    if (total < 0) throw wrong(`a total of ${total} bytes is negative`);
    if (total > 0 && this.#total > 0 && total !== this.#total)
      throw wrong(`the total was ${this.#total}, now ${total}`);
    if (expected !== "" && this.#expected !== "" && expected !== this.#expected) {
      throw wrong(`the expected digest was ${this.#expected}, now ${expected}`);
    }
    if (total > 0) this.#total = total;
    if (expected !== "") this.#expected = expected;
  }

  #statusOf(writer: ContentWriter): WriteStatus {
    const { startedNs, updatedNs, offset, total } = writer.status();
    return { startedNs, updatedNs, offset, total, digest: writer.digest() };
  }
}

/** Writes what a message brings; from its beginning again when it says so. */
async function place(writer: ContentWriter, { offset, data }: WriteRequest): Promise<void> {
  if (offset > 0 && offset !== writer.offset) {
    const why = `write @${offset} must occur at current offset ${writer.offset}`;
    throw new ContainerError("out_of_range", why);
  }
  if (offset === 0 && writer.offset > 0) await writer.truncate(0);
  if (data.length > 0) await writer.write(data);
}
