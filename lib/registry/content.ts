/** Labels of a blob, by their keys. */
export type Labels = ReadonlyMap<string, string>;

/** A blob on its way into a store. Closing it without a commit leaves what is there to be resumed. */
export interface BlobWriter {
  /** How many bytes there are already. */
  readonly offset: number;
  write(bytes: Uint8Array): Promise<void>;
  /** Begins again. */
  truncate(size: 0): Promise<void>;
  /** @throws {ContainerError} failed_precondition for another digest, and then nothing is left of the bytes; already_exists */
  commit(options: { readonly size: number; readonly expected: string; readonly labels: Labels }): Promise<unknown>;
  close(): Promise<void>;
}

/** Where pulled content goes. */
export interface ContentTarget {
  /** @throws {ContainerError} already_exists when the blob is there; unavailable, with the word locked, while somebody else writes the same ref */
  openWriter(wanted: { readonly ref: string; readonly total: number; readonly expected: string }): Promise<BlobWriter>;
  /** A blob that is there. @throws {ContainerError} not_found, resource_exhausted */
  read(digest: string, maxBytes: number): Promise<Uint8Array>;
  labelsOf(digest: string): Promise<Labels>;
  /** Sets some labels of a blob that is there. */
  label(digest: string, labels: Labels): Promise<void>;
}

/** Where pushed content comes from. */
export interface ContentSource {
  has(digest: string): Promise<boolean>;
  read(digest: string, maxBytes: number): Promise<Uint8Array>;
  /** The bytes of a blob from an offset on. @throws {ContainerError} not_found */
  open(digest: string, offset: number): AsyncIterable<Uint8Array>;
  labelsOf(digest: string): Promise<Labels>;
}
