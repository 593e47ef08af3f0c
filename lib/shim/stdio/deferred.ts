import { ContainerError } from "../../errors.ts";
import type { Stdio } from "../../runtime/options.ts";
import { openNothing } from "./adopted.ts";
import type { ProcessStdio } from "./process-stdio.ts";

/**
 * The streams of a process that is added before it is started. Nothing of its client's is open until then: a client whose
 * request was lost with its daemon waits for the end of its outputs, which would not come while the exec is there.
 */
export class DeferredStdio implements ProcessStdio {
  readonly #opener: () => Promise<ProcessStdio>;
  #stdio: ProcessStdio = openNothing();
  #isOver = false;
  #size: readonly [width: number, height: number] | undefined;
  #isInputClosed = false;

  constructor(opener: () => Promise<ProcessStdio>) {
    this.#opener = opener;
  }

  get fds(): Stdio {
    return this.#stdio.fds;
  }

  get pipes(): readonly string[] | undefined {
    return this.#stdio.pipes;
  }

  get console(): ProcessStdio["console"] {
    return this.#stdio.console;
  }

  /** What was asked for before is done now. @throws {ContainerError} for what cannot be opened, or is closed by now */
  async open(): Promise<void> {
    const stdio = await this.#opener();
    if (this.#isOver) {
      await stdio.close();
      throw new ContainerError("failed_precondition", "its streams were closed before it was started");
    }
    this.#stdio = stdio;
    if (this.#size !== undefined) stdio.resize(...this.#size);
    if (this.#isInputClosed) stdio.closeInput();
  }

  prepare(): void {
    this.#stdio.prepare();
  }

  attach(): void {
    this.#stdio.attach();
  }

  closeInput(): void {
    this.#isInputClosed = true;
    this.#stdio.closeInput();
  }

  resize(width: number, height: number): void {
    this.#size = [width, height];
    this.#stdio.resize(width, height);
  }

  settle(): void {
    this.#stdio.settle?.();
  }

  async close(): Promise<void> {
    this.#isOver = true;
    await this.#stdio.close();
  }
}
