import type { FileHandle } from "node:fs/promises";
import { chmod, copyFile, open } from "node:fs/promises";
import { ContainerError } from "../../errors.ts";
import { type Digest, Digester, findDigest } from "../../image/digest.ts";
import { isFull, wrapFileError } from "../errno.ts";
import { checkLabels, type Labels, NO_LABELS } from "../labels.ts";
import type { MetadataDatabase } from "../metadata/database.ts";
import { alreadyExists, type Scope } from "../names.ts";
import type { BlobFiles } from "./blob-files.ts";
import type { BlobStore } from "./blobs.ts";
import { hashFile, type Ingest, type IngestStatus } from "./ingest.ts";

/** What a writer needs of the store that opened it. */
interface IngestRecords {
  path(number: number): string;
  status(namespace: string, ref: string): IngestStatus;
  forget(namespace: string, ref: string): void;
  noteFull(): void;
}

/** What a writer works on. */
export interface WriterParts {
  readonly scope: Scope;
  readonly ingest: Ingest;
  readonly files: BlobFiles;
  readonly blobs: BlobStore;
  readonly database: MetadataDatabase;
  readonly ingests: IngestRecords;
  /** Unlocks the ref. */
  readonly release: () => void;
}

/** Where a writer begins: at the end of its file, or, pinned, at the end of a blob that another namespace has. */
interface Beginning {
  readonly digester: Digester;
  readonly offset: number;
  readonly file?: FileHandle;
  readonly pin?: Disposable;
}

/**
 * The one writer of an ingest. Its operations run one after the other, in the order of the calls. Closing it without a
 * commit leaves the ingest to be resumed.
 */
export class ContentWriter implements AsyncDisposable {
  readonly #parts: WriterParts;
  readonly #digester: Digester;
  #file: FileHandle | undefined;
  #pin: Disposable | undefined;
  #offset: number;
  #closed = false;
  #last: Promise<unknown> = Promise.resolve();

  constructor(parts: WriterParts, { digester, offset, file, pin }: Beginning) {
    this.#parts = parts;
    this.#digester = digester;
    this.#offset = offset;
    this.#file = file;
    this.#pin = pin;
  }

  status(): IngestStatus {
    const { ingest, ingests, scope } = this.#parts;
    return { ...ingests.status(scope.namespace, ingest.ref), offset: this.#offset };
  }

  /** How many bytes there are. */
  get offset(): number {
    return this.#offset;
  }

  /** The digest of the bytes so far. */
  digest(): Digest {
    return this.#pin === undefined ? this.#digester.current() : this.#parts.ingest.expected;
  }

  /** Appends; the bytes are the writer's until this is done. @throws {ContainerError} resource_exhausted */
  write(bytes: Uint8Array): Promise<void> {
    return this.#inTurn("write", async () => {
      const file = this.#file ?? (await this.#copyShared());
      for (let done = 0; done < bytes.length; ) {
        const { bytesWritten } = await file.write(bytes, done, bytes.length - done, this.#offset + done);
        done += bytesWritten;
      }
      this.#digester.update(bytes);
      this.#offset += bytes.length;
    });
  }

  /** Keeps the first `size` bytes, 0 or all of them. @throws {ContainerError} unimplemented */
  truncate(size: number): Promise<void> {
    return this.#inTurn("truncate", async () => {
      if (size === this.#offset) return;
      if (size !== 0) throw new ContainerError("unimplemented", `cannot truncate an ingest to ${size} bytes`);
      this.#unpin();
      this.#file ??= await this.#openFile("w+");
      await this.#file.truncate(0);
      this.#digester.reset();
      this.#offset = 0;
    });
  }

  /**
   * Makes the bytes a blob of the namespace, durable when this is done, and closes the writer. After a refusal it stays open.
   * @throws {ContainerError} failed_precondition when size or digest is another one: the bytes are dropped if it is the
   *   digest; already_exists when the namespace has the blob
   */
  commit({ size = 0, expected = "", labels = NO_LABELS }: CommitOptions = {}): Promise<Digest> {
    return this.#inTurn("commit", async () => {
      const kept = checkLabels(labels);
      if (size > 0 && size !== this.#offset) {
        throw new ContainerError("failed_precondition", `unexpected commit size ${this.#offset}, expected ${size}`);
      }
      const digest = await this.#verify(expected === "" ? this.#parts.ingest.expected : expected);
      using _ = this.#parts.files.pin(digest);
      await this.#adopt(digest);
      const isNew = this.#record(digest, kept);
      await this.#finish();
      if (!isNew) throw alreadyExists(`content ${digest}`);
      return digest;
    });
  }

  /** Ends the writer; the ingest stays unless it was committed. May be repeated. */
  close(): Promise<void> {
    const closing = this.#last.then(() => this.#finish());
    this.#last = closing.catch(() => undefined);
    return closing;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #inTurn<T>(what: string, work: () => Promise<T>): Promise<T> {
    const { ref } = this.#parts.ingest;
    const turn = this.#last.then(async () => {
      if (this.#closed) throw new ContainerError("failed_precondition", `cannot ${what} ref ${ref}: writer is closed`);
      try {
        return await work();
      } catch (error) {
        if (isFull(error)) this.#parts.ingests.noteFull();
        throw wrapFileError(error, `${what} ref ${ref}`);
      }
    });
    this.#last = turn.catch(() => undefined);
    return turn;
  }

  async #verify(expected: Digest): Promise<Digest> {
    const digest = this.#pin !== undefined ? this.#parts.ingest.expected : await this.#digestBy(expected);
    if (expected === "" || digest === expected) return digest;
    // Resuming bytes that are wrong would fail for ever.
    await this.#file?.truncate(0);
    this.#digester.reset();
    this.#offset = 0;
    throw new ContainerError("failed_precondition", `unexpected commit digest ${digest}, expected ${expected}`);
  }

  async #digestBy(expected: Digest): Promise<Digest> {
    const algorithm = findDigest(expected)?.algorithm ?? this.#digester.algorithm;
    if (algorithm === this.#digester.algorithm || this.#file === undefined) return this.#digester.current();
    const digester = new Digester(algorithm);
    await hashFile(this.#file, digester);
    return digester.current();
  }

  async #adopt(digest: Digest): Promise<void> {
    const { files, ingests, ingest } = this.#parts;
    if (this.#file === undefined) return;
    // A write that failed half-way can have left bytes behind the offset. A blob that is there is replaced: these bytes
    // have been verified just now.
    await this.#file.truncate(this.#offset);
    await this.#file.sync();
    await files.adopt(ingests.path(ingest.number), digest);
  }

  #record(digest: Digest, labels: Labels): boolean {
    const { database, blobs, ingests, scope, ingest } = this.#parts;
    return database.write(() => {
      const isNew = blobs.record(scope, { digest, size: this.#offset, labels });
      ingests.forget(scope.namespace, ingest.ref);
      return isNew;
    });
  }

  /** Bytes for a blob that is there: they are written behind a copy of it, and verified as all others. */
  async #copyShared(): Promise<FileHandle> {
    const { files, ingests, ingest } = this.#parts;
    await copyFile(files.path(ingest.expected), ingests.path(ingest.number));
    await chmod(ingests.path(ingest.number), 0o600);
    const file = await this.#openFile("r+");
    this.#digester.reset();
    this.#offset = await hashFile(file, this.#digester);
    this.#file = file;
    this.#unpin();
    return file;
  }

  #openFile(flags: "r+" | "w+"): Promise<FileHandle> {
    const { ingests, ingest } = this.#parts;
    return open(ingests.path(ingest.number), flags, 0o600);
  }

  #unpin(): void {
    this.#pin?.[Symbol.dispose]();
    this.#pin = undefined;
  }

  async #finish(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#unpin();
    try {
      await this.#file?.close();
    } finally {
      this.#parts.release();
    }
  }
}

/** content.proto: what a commit has to find, and the labels it gives. */
export interface CommitOptions {
  readonly size?: number;
  readonly expected?: Digest;
  readonly labels?: Labels;
}
