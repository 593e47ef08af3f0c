import type { Digest } from "./digest.ts";

/** image-spec § Descriptor: a blob and what it is. */
export interface Descriptor {
  readonly mediaType: string;
  readonly digest: Digest;
  readonly size: number;
  readonly annotations: ReadonlyMap<string, string>;
}
