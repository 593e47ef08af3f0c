/** Runs work that nobody waits for, and keeps it in sight: a failure is told, and shutdown can wait for the rest. */
export class Background {
  readonly #running = new Set<Promise<void>>();
  readonly #warn: (error: unknown) => void;

  constructor(warn: (error: unknown) => void) {
    this.#warn = warn;
  }

  /** Starts some work. */
  run(work: () => Promise<void>): void {
    const running: Promise<void> = work()
      .catch(this.#warn)
      .finally(() => this.#running.delete(running));
    this.#running.add(running);
  }

  /** Starts some work that waits for something to happen, which shutdown need not wait for. */
  watch(work: () => Promise<void>): void {
    work().catch(this.#warn);
  }

  /** Waits until nothing is running, also of what was started meanwhile. */
  async idle(): Promise<void> {
    while (this.#running.size > 0) await Promise.all(this.#running);
  }
}
