import { ContainerError } from "../errors.ts";
import type { Time } from "../linux/tree/entries.ts";
import type { BytePath } from "../linux/tree/paths.ts";

/** What an entry makes. */
export type TarType = "file" | "hard link" | "link" | "char" | "block" | "directory" | "pipe";

/** An entry of a tar archive, whatever the dialect it was written in. */
export interface TarEntry {
  readonly name: BytePath;
  readonly type: TarType;
  /** What a link points to, or the name a hard link is another one of. */
  readonly target: BytePath;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** The size of the file, with its holes. */
  readonly size: number;
  readonly mtime: Time;
  readonly atime: Time | undefined;
  readonly major: number;
  readonly minor: number;
  /** Extended attributes, by their full names. */
  readonly attributes: ReadonlyMap<string, Uint8Array>;
}

/** Bytes of a file, and where they belong: what lies between is a hole. */
export interface TarChunk {
  readonly offset: number;
  readonly bytes: Uint8Array;
}

/** pax(1): archives are made of blocks of this size. */
export const BLOCK_BYTES = 512;

/** The refusal of an archive. */
export function invalidTar(why: string): ContainerError {
  return new ContainerError("invalid_argument", `invalid tar archive: ${why}`);
}
