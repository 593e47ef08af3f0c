/** A task that ends again and again is started at the next look, then after 1, 2, 4 … intervals, at most so many. */
const MAX_INTERVALS = 30;

interface Attempt {
  /** How many in a row. */
  readonly count: number;
  readonly atMs: number;
}

/** How long to wait with the next start of each of many. Times are of a clock that only goes forward. */
export class BackOff {
  readonly #intervalMs: number;
  readonly #attempts = new Map<string, Attempt>();

  constructor(intervalMs: number) {
    this.#intervalMs = intervalMs;
  }

  /** Whether it is time for a start. */
  isDue(key: string, nowMs: number): boolean {
    const attempt = this.#attempts.get(key);
    return attempt === undefined || nowMs - attempt.atMs >= this.#delayMs(attempt.count);
  }

  /** Notes a start. One that comes long after the last one is the first of a row. */
  note(key: string, nowMs: number): void {
    const last = this.#attempts.get(key);
    const isLate = last === undefined || nowMs - last.atMs > 2 * this.#delayMs(Number.POSITIVE_INFINITY);
    this.#attempts.set(key, { count: isLate ? 1 : last.count + 1, atMs: nowMs });
  }

  /** Forgets all but these. */
  keep(keys: ReadonlySet<string>): void {
    for (const key of this.#attempts.keys()) if (!keys.has(key)) this.#attempts.delete(key);
  }

  #delayMs(count: number): number {
    return this.#intervalMs * Math.min(MAX_INTERVALS, 2 ** (count - 1));
  }
}
