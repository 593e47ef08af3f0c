import { type DirectoryWatch, watchDirectory } from "../../linux/watch-directory.ts";

/** Without news of the kernel; and with them, for a directory that was made anew. */
const POLL_MS = 50;
const SAFE_POLL_MS = 1_000;

/** Tells when it is worth looking into a log again. */
export class LogWatch implements Disposable {
  readonly #watch: DirectoryWatch;
  #isNew = false;
  #isOver = false;
  #wake: (() => void) | undefined;

  /** @param ended settles when nobody writes any more, however it does */
  constructor(path: string, ended: Promise<unknown>) {
    const end = () => {
      this.#isOver = true;
      this.#tell();
    };
    void ended.then(end, end);
    // The directory: a log is renamed and made anew.
    this.#watch = watchDirectory(path.slice(0, path.lastIndexOf("/")) || "/", () => this.#tell());
  }

  /** Nobody writes any more. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** Waits until there may be more, or nobody writes any more. */
  async news(): Promise<void> {
    if (!this.#isNew && !this.#isOver) {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#wake = resolve;
      const timer = setTimeout(resolve, this.#watch.isLive ? SAFE_POLL_MS : POLL_MS);
      await promise;
      clearTimeout(timer);
      this.#wake = undefined;
    }
    this.#isNew = false;
  }

  [Symbol.dispose](): void {
    this.#watch[Symbol.dispose]();
  }

  #tell(): void {
    this.#isNew = true;
    this.#wake?.();
  }
}
