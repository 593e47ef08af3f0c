import type { OwnedFd } from "../../linux/fd.ts";
import { setNonBlocking } from "../../linux/fifo.ts";
import type { Machine } from "../machine.ts";
import { type Copier, copyToSink } from "./copier.ts";
import { type Logger, startLogger } from "./logger.ts";
import { openNull, openSink, type Sink } from "./output.ts";
import { drain, type StdioOwner } from "./process-stdio.ts";
import type { OutputTarget } from "./target.ts";

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
  }

  async stop(): Promise<void> {
    if (this.#copier !== undefined) await drain([this.#copier]);
    this.#copier?.stop();
  }

  async close(): Promise<void> {
    this.#sink.writer.close();
    this.#sink.keeper?.close();
    await this.#logger?.stop();
  }
}
