/** How long synchronous work goes on before others get their turn. */
const SLICE_MS = 5;

/**
 * For long work made of short system calls: awaited between two of them, it lets the event loop run every few
 * milliseconds, and costs next to nothing otherwise.
 */
export class Pace {
  #until = performance.now() + SLICE_MS;

  /** Whether a turn is due: to be asked before awaiting `turn()`, since an await of nothing costs a tick, too. */
  get isDue(): boolean {
    return performance.now() >= this.#until;
  }

  /** Lets others run. */
  async turn(): Promise<void> {
    await new Promise<void>((resolve) => setImmediate(resolve));
    this.#until = performance.now() + SLICE_MS;
  }
}
