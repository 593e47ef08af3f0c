import type { ProcessStdio } from "./stdio/process-stdio.ts";
import type { StdioPaths } from "./stdio/target.ts";

/** task.proto: what a process of a task can be. Paused is said of the task as a whole. */
export type ProcessStatus = "created" | "running" | "stopped";

/** How a process ended. */
export interface Exit {
  /** The exit status, or 128 plus the signal. */
  readonly status: number;
  /** Milliseconds since 1970. */
  readonly atMs: number;
}

/** The first process of a container, or an exec: what there is to say of it, answered from memory. */
export class TaskProcess {
  /** The container's id, or the exec's. */
  readonly id: string;
  readonly paths: StdioPaths;
  readonly stdio: ProcessStdio;
  /** 0 until it is made. */
  pid = 0;
  /** With the pid it is this process for as long as the machine is up. */
  startTime = 0;
  status: ProcessStatus = "created";
  exit: Exit | undefined;
  /** Resolves when its start was told of, or failed: its end is told after that. */
  starting: Promise<unknown> = Promise.resolve();
  readonly #ended = Promise.withResolvers<Exit>();

  constructor(id: string, paths: StdioPaths, stdio: ProcessStdio) {
    this.id = id;
    this.paths = paths;
    this.stdio = stdio;
  }

  /** Resolves when the process has ended. */
  get ended(): Promise<Exit> {
    return this.#ended.promise;
  }

  /** Writes its end down, once. */
  end(exit: Exit): void {
    if (this.exit !== undefined) return;
    this.exit = exit;
    this.status = "stopped";
    this.#ended.resolve(exit);
  }
}
