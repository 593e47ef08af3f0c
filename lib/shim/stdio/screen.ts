import type { OwnedFd } from "../../linux/fd.ts";
import { setNonBlocking } from "../../linux/fifo.ts";
import type { Machine } from "../machine.ts";
import { type Copier, copyToSink } from "./copier.ts";
import { type Logger, startLogger } from "./logger.ts";
import { openNull, openSink, type Sink } from "./output.ts";
import { drain, type StdioOwner } from "./process-stdio.ts";
import type { OutputTarget } from "./target.ts";
import { untilRead } from "./unread.ts";

/** What takes the output of a terminal. */
export interface Screen {
  /** The master, which does not block, is there, and stays the caller's. */
  start(master: OwnedFd): void;
  /** As of ProcessStdio. */
  settle?(): void;
  /** Takes what was written until now, and no more: from here the master may be closed. */
  stop(): Promise<void>;
  /** Lets go of everything, after stop(). */
  close(): Promise<void>;
}

/** A screen for what standard output is to be. @throws {ContainerError} */
export async function openScreen(machine: Machine, target: OutputTarget, owner: StdioOwner): Promise<Screen> {
  if (target.kind === "json-file") {
    const { openLogScreen } = await import("./logged.ts");
    return openLogScreen(machine, target.place, owner);
  }
  const logger = target.kind === "binary" ? await startLogger(machine, target, owner) : undefined;
  logger?.stderr.close();
  return new CopiedScreen(machine, openTarget(machine, target, logger), logger);
}

function openTarget({ kernel }: Machine, target: OutputTarget, logger: Logger | undefined): Sink {
  if (logger !== undefined) {
    setNonBlocking(kernel, logger.stdout);
    return { writer: logger.stdout };
  }
  if (target.kind === "path" || target.kind === "file") return openSink(kernel, target.path, target.kind === "file");
  return { writer: openNull(kernel) };
}

/** How often a master is looked at after the end of its process: at first, and at most. */
const FIRST_LOOK_MS = 5;
const LAST_LOOK_MS = 1_000;

class CopiedScreen implements Screen {
  readonly #machine: Machine;
  readonly #sink: Sink;
  readonly #logger: Logger | undefined;
  #copier: Copier | undefined;

  constructor(machine: Machine, sink: Sink, logger: Logger | undefined) {
    this.#machine = machine;
    this.#sink = sink;
    this.#logger = logger;
  }

  start(master: OwnedFd): void {
    this.#copier = copyToSink(this.#machine, master, this.#sink);
  }

  settle(): void {
    this.#copier?.settle();
    this.#lookForEnd(FIRST_LOOK_MS);
  }

  /**
   * The kernel sends no signal when the last slave is closed, so only who looks learns that the master is at its end. There
   * are clients that delete nothing before they have read to the end.
   */
  #lookForEnd(pauseMs: number): void {
    if (this.#copier?.isOver !== false) return;
    this.#machine.readiness.check();
    setTimeout(() => this.#lookForEnd(Math.min(2 * pauseMs, LAST_LOOK_MS)), pauseMs).unref();
  }

  async stop(): Promise<void> {
    if (this.#copier !== undefined) await drain([this.#copier]);
    this.#copier?.stop();
  }

  async close(): Promise<void> {
    const { writer, keeper } = this.#sink;
    writer.close();
    await untilRead(this.#machine.kernel, [keeper]);
    keeper?.close();
    await this.#logger?.stop();
  }
}
