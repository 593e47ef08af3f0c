import type { ContainerError } from "../../errors.ts";
import { MessageReader } from "./messages.ts";

/** The messages of one side of a call: who does not read them is sent no more than the window holds. */
export class Inbox {
  readonly #reader = new MessageReader();
  readonly #credit: (bytes: number) => void;
  /** Complete, and not yet asked for. */
  readonly #messages: Uint8Array[] = [];
  /** Received, and not yet given back to the other side's window. */
  #debt = 0;
  /** How it ended: null is well. */
  #end: ContainerError | null | undefined;
  #wake: (() => void) | undefined;

  /** `credit` lets the other side send so many bytes more. */
  constructor(credit: (bytes: number) => void) {
    this.#credit = credit;
  }

  get hasEnded(): boolean {
    return this.#end !== undefined;
  }

  /** Takes data as it comes. @throws {ContainerError} for what is no message */
  receive(bytes: Uint8Array): void {
    this.#debt += bytes.length;
    const messages = this.#reader.push(bytes);
    this.#messages.push(...messages);
    this.#payDebt();
    if (messages.length > 0) this.#wake?.();
  }

  /** Nothing more will come. */
  end(error: ContainerError | null): void {
    this.#end ??= error;
    this.#wake?.();
  }

  /** The messages, until the end. @throws {ContainerError} that with which it ended */
  async *messages(): AsyncGenerator<Uint8Array> {
    for (;;) {
      const message = this.#messages.shift();
      if (message !== undefined) {
        this.#payDebt();
        yield message;
      } else if (this.#end !== undefined) {
        if (this.#end !== null) throw this.#end;
        return;
      } else {
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
      }
    }
  }

  /** What belongs to a message that is not complete is asked for at once: a message may be longer than the window. */
  #payDebt(): void {
    if (this.#messages.length > 0) return;
    this.#credit(this.#debt);
    this.#debt = 0;
  }
}
