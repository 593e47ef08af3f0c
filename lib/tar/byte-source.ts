import { ContainerError } from "../errors.ts";

/** Reads a stream of chunks as a stream of bytes. What it gives out is valid until the next call. */
export class ByteSource {
  readonly #chunks: AsyncIterator<Uint8Array>;
  #chunk: Uint8Array = new Uint8Array();
  #at = 0;
  #ended = false;

  constructor(chunks: AsyncIterable<Uint8Array>) {
    this.#chunks = chunks[Symbol.asyncIterator]();
  }

  /** The next `length` bytes; undefined when the stream ends before the first. @throws {ContainerError} when within */
  async take(length: number): Promise<Uint8Array | undefined> {
    if (this.#chunk.length - this.#at < length && !(await this.#gather(length))) return undefined;
    const bytes = this.#chunk.subarray(this.#at, this.#at + length);
    this.#at += length;
    return bytes;
  }

  /** The next bytes, at least one and at most `max`. @throws {ContainerError} when the stream has ended */
  async some(max: number): Promise<Uint8Array> {
    if (this.#at === this.#chunk.length && !(await this.#next())) throw truncated();
    const bytes = this.#chunk.subarray(this.#at, this.#at + max);
    this.#at += bytes.length;
    return bytes;
  }

  /** Passes over bytes. @throws {ContainerError} when the stream ends within */
  async skip(length: number): Promise<void> {
    for (let left = length; left > 0; ) left -= (await this.some(left)).length;
  }

  /** Passes over bytes, or what there is of them before the stream ends. */
  async skipToEnd(length: number): Promise<void> {
    for (let left = length; left > 0; ) {
      if (this.#at === this.#chunk.length && !(await this.#next())) return;
      left -= (await this.some(left)).length;
    }
  }

  /** Reads to the end of the stream. */
  async drain(): Promise<void> {
    while (await this.#next());
    this.#at = this.#chunk.length;
  }

  /** Lets the stream go, wherever it is. */
  async close(): Promise<void> {
    this.#ended = true;
    await this.#chunks.return?.();
  }

  async #next(): Promise<boolean> {
    while (!this.#ended) {
      const { done, value } = await this.#chunks.next();
      if (done === true) {
        this.#ended = true;
        return false;
      }
      if (value.length === 0) continue;
      this.#chunk = value;
      this.#at = 0;
      return true;
    }
    return false;
  }

  /** Puts the rest of a chunk and the ones that follow together. */
  async #gather(length: number): Promise<boolean> {
    const bytes = new Uint8Array(length);
    let have = this.#chunk.length - this.#at;
    bytes.set(this.#chunk.subarray(this.#at));
    this.#at = this.#chunk.length;
    while (have < length) {
      if (!(await this.#next())) {
        if (have === 0) return false;
        throw truncated();
      }
      const part = this.#chunk.subarray(0, length - have);
      bytes.set(part, have);
      have += part.length;
      this.#at = part.length;
    }
    // The chunk in hand goes on behind what was gathered.
    const rest = this.#chunk.subarray(this.#at);
    const joined = new Uint8Array(length + rest.length);
    joined.set(bytes);
    joined.set(rest, length);
    this.#chunk = joined;
    this.#at = 0;
    return true;
  }
}

function truncated(): ContainerError {
  return new ContainerError("invalid_argument", "invalid tar archive: it ends in the middle of an entry");
}
