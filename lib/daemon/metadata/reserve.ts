import { closeSync, fsyncSync, openSync, statSync, truncateSync, writeSync } from "node:fs";
import { hasErrno } from "../errno.ts";

/** Enough for the write-ahead log of the deletions that make room again. */
const RESERVE_BYTES = 1_048_576;

/**
 * Space that is set aside while there is some: on a full disk even a deletion has to be written down first, and without it
 * nothing could be deleted any more.
 */
export class Reserve {
  readonly #path: string;
  #isFilled = false;

  constructor(path: string) {
    this.#path = path;
    this.fill();
  }

  /** Sets the space aside, as far as there is any. */
  fill(): void {
    this.#isFilled ||= statSync(this.#path, { throwIfNoEntry: false })?.size === RESERVE_BYTES;
    if (this.#isFilled) return;
    const file = openSync(this.#path, "w", 0o600);
    try {
      writeSync(file, new Uint8Array(RESERVE_BYTES));
      fsyncSync(file);
      this.#isFilled = true;
    } catch (error) {
      // What of it there is room for is better than nothing.
      if (!hasErrno(error, "ENOSPC", "EDQUOT")) throw error;
    } finally {
      closeSync(file);
    }
  }

  /** Gives the space up. False when there is none left. */
  release(): boolean {
    const size = statSync(this.#path, { throwIfNoEntry: false })?.size ?? 0;
    this.#isFilled = false;
    if (size > 0) truncateSync(this.#path, 0);
    return size > 0;
  }
}
