import type { OwnedFd } from "../linux/fd.ts";
import { setBlocking } from "../linux/fifo.ts";
import type { Kernel } from "../linux/kernel.ts";
import { findAttributes, findWindowSize, setAttributes, transparentAttributes } from "../linux/terminal.ts";
import { api } from "./api.ts";
import type { Client } from "./client.ts";
import { DetachScanner } from "./detach-keys.ts";
import type { FifoEnds } from "./fifos.ts";

/** A process of a task: its first one, "", or one that exec has added. */
export interface ProcessName {
  readonly containerId: string;
  readonly execId: string;
}

/** How a session with a process has ended. */
export type SessionEnd = { readonly kind: "exited"; readonly status: number } | { readonly kind: "detached" };

export interface SessionOptions {
  readonly process: ProcessName;
  readonly ends: FifoEnds;
  /** The process has a terminal, and so has the caller, on descriptor 0. */
  readonly terminal: boolean;
  /** Bytes that end the session and leave the process; none for none. */
  readonly detachKeys: readonly number[];
  /** What the process reads is not over with what the caller types: somebody else may come. */
  readonly keepsInput?: boolean;
  /** It has run before the caller came: what it shows is not on the caller's screen. */
  readonly isJoined?: boolean;
}

const STDIN = 0;
/** How long output may still come when the shim has nothing more to say. */
const DRAIN_MS = 10_000;
const SIGKILL = 9;

/** A caller's standard streams, joined to those of a process. */
export class Session {
  readonly #client: Client;
  readonly #kernel: Kernel;
  readonly #options: SessionOptions;
  readonly #detached = Promise.withResolvers<SessionEnd>();
  readonly #outputs: Promise<void>[] = [];
  #saved: Uint8Array | undefined;

  constructor(client: Client, kernel: Kernel, options: SessionOptions) {
    this.#client = client;
    this.#kernel = kernel;
    this.#options = options;
  }

  /** The process's side has its FIFOs open: begins to copy what it writes. */
  open(): void {
    const { ends } = this.#options;
    ends.release();
    for (const [target, fd] of ends.outputs) this.#outputs.push(this.#copyOutput(fd.number, target));
  }

  /** The process runs: begins to copy what the caller types, and gives the caller's terminal to it. */
  begin(): void {
    const { ends, terminal } = this.#options;
    if (terminal) {
      this.#saved = findAttributes(this.#kernel, STDIN);
      if (this.#saved !== undefined) setAttributes(this.#kernel, STDIN, transparentAttributes(this.#saved));
      // A program that fills the screen draws it anew when its size changes.
      if (this.#options.isJoined === true) void this.#sendSize(1).then(() => this.resize());
      else this.resize();
    }
    if (ends.input !== undefined) this.#copyInput(ends.input).catch((error) => this.#detached.reject(error));
  }

  /** The caller's terminal has a new size. A process that has ended has no terminal: that is no failure. */
  resize(): void {
    void this.#sendSize(0);
  }

  async #sendSize(moreRows: number): Promise<void> {
    const size = findWindowSize(this.#kernel, STDIN);
    if (!this.#options.terminal || size === undefined) return;
    const [height, width] = [size.rows + moreRows, size.columns];
    await this.#client.call(api.tasks.resizePty, { ...this.#options.process, width, height }).catch(() => undefined);
  }

  /** Waits until the process has ended, or the caller has detached. */
  async end(exit: Promise<{ readonly exitStatus: number }>): Promise<SessionEnd> {
    const exited = exit.then(({ exitStatus }): SessionEnd => ({ kind: "exited", status: exitStatus }));
    return await Promise.race([exited, this.#detached.promise]);
  }

  /** Waits until all that the process has written has been passed on; a process that it left behind may go on. */
  async drain(): Promise<void> {
    const late = Promise.withResolvers<void>();
    const timer = setTimeout(late.resolve, DRAIN_MS);
    await Promise.race([Promise.all(this.#outputs), late.promise]);
    clearTimeout(timer);
  }

  /** Gives the caller's terminal its mode back. */
  close(): void {
    if (this.#saved !== undefined) setAttributes(this.#kernel, STDIN, this.#saved);
    this.#saved = undefined;
  }

  async #copyOutput(fd: number, target: 1 | 2): Promise<void> {
    const out = target === 1 ? Bun.stdout : Bun.stderr;
    let isGone = false;
    for await (const chunk of Bun.file(fd).stream()) {
      if (isGone) continue;
      try {
        await Bun.write(out, chunk);
      } catch {
        // As in a pipeline: nobody reads any more, so the program ends. What it still writes is taken, so that it can.
        isGone = true;
        const { process } = this.#options;
        this.#client.call(api.tasks.kill, { ...process, signal: SIGKILL }).catch(() => undefined);
      }
    }
  }

  async #copyInput(input: OwnedFd): Promise<void> {
    const { process: name, detachKeys, terminal, keepsInput = false } = this.#options;
    const scanner = new DetachScanner(terminal ? detachKeys : []);
    setBlocking(this.#kernel, input);
    for await (const chunk of Bun.stdin.stream()) {
      const { pass, isDetached } = scanner.scan(chunk);
      if (!(await tryWrite(input.number, pass))) return;
      if (isDetached) {
        this.#detached.resolve({ kind: "detached" });
        return;
      }
    }
    // The shim has an end for writing open as well, and closes it when it is told to.
    input.close();
    if (keepsInput) return;
    await this.#client.call(api.tasks.closeIO, { ...name, stdin: true }).catch(() => undefined);
  }
}

/** write(2) in a thread, which may wait as long as it has to: the program need not read. False when it never will. */
async function tryWrite(fd: number, bytes: Uint8Array): Promise<boolean> {
  const { write } = process.getBuiltinModule("node:fs");
  for (let rest = bytes; rest.length > 0; ) {
    const written = await new Promise<number>((resolve) => {
      write(fd, rest, (error, count) => resolve(error === null ? count : 0));
    });
    if (written === 0) return false;
    rest = rest.subarray(written);
  }
  return true;
}
