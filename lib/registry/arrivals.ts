/** Blobs that are on their way. */
export interface Arrivals {
  /** Resolves when a blob is in the store; at once for one that is not waited for. @throws what has ended the transfer */
  of(digest: string): Promise<void>;
  /** Aborted when the transfer is. */
  readonly signal: AbortSignal;
}

/** Of content that is all there. */
export const ALL_THERE: Arrivals = {
  of: async () => {
    await Promise.resolve();
  },
  signal: new AbortController().signal,
};

/** Says of each blob when it is there. */
export class ArrivalBoard {
  readonly #awaited: ReadonlyMap<string, PromiseWithResolvers<void>>;

  constructor(digests: Iterable<string>) {
    this.#awaited = new Map([...digests].map((digest) => [digest, Promise.withResolvers<void>()]));
  }

  note(digest: string): void {
    this.#awaited.get(digest)?.resolve();
  }

  /** For one who waits as long as the signal says nothing else. */
  until(signal: AbortSignal): Arrivals {
    return {
      signal,
      of: async (digest) => {
        signal.throwIfAborted();
        const aborted = Promise.withResolvers<void>();
        const onAbort = () => aborted.resolve();
        signal.addEventListener("abort", onAbort);
        try {
          await Promise.race([this.#awaited.get(digest)?.promise, aborted.promise]);
        } finally {
          signal.removeEventListener("abort", onAbort);
        }
        signal.throwIfAborted();
      },
    };
  }
}
