import { SIGNALS } from "../../lib/linux/constants/processes.ts";

/** What a caller sends to this process and means the container. */
const FORWARDED = ["SIGHUP", "SIGINT", "SIGQUIT", "SIGTERM", "SIGUSR1", "SIGUSR2"] as const;
/** Whoever asks so often for the end means it. */
const PATIENCE = 3;

/** Signals to this process go where they are meant to; those that come before somebody takes them wait. */
export class SignalRelay {
  #send: ((signal: number) => void) | undefined;
  #resize: (() => void) | undefined;
  #waiting: number[] = [];
  #asked = 0;

  constructor() {
    for (const name of FORWARDED) process.on(name, () => this.#take(name));
    process.on("SIGWINCH", () => this.#resize?.());
    // A reader that is gone is an error of the write.
    process.on("SIGPIPE", () => undefined);
  }

  /** From here signals go to `send`, and news of the terminal's size to `resize`. */
  connect(send: (signal: number) => void, resize: () => void): void {
    this.#send = send;
    this.#resize = resize;
    for (const signal of this.#waiting) send(signal);
    this.#waiting = [];
  }

  #take(name: (typeof FORWARDED)[number]): void {
    if (name === "SIGINT" || name === "SIGTERM") this.#asked++;
    const signal = this.#asked >= PATIENCE ? SIGNALS.SIGKILL : SIGNALS[name];
    if (this.#send === undefined) this.#waiting.push(signal);
    else this.#send(signal);
  }
}
