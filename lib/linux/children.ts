import { P_ALL, WAIT } from "./constants/processes.ts";
import { type ExitStatus, waitForChild } from "./executor.ts";
import type { Kernel } from "./kernel.ts";
import { isSpawned } from "./spawned.ts";

/** How long nothing has ended before zombies are taken for orphans: who has started a child asks for it soon. */
const ORPHAN_GRACE_MS = 100;
/** Statuses that are kept for somebody who asks late, and for how long: a pid is given out again some day. */
const MAX_KEPT = 256;
const KEPT_MS = 10_000;
/** `struct siginfo`: its size, and where the pid is. */
const SIGINFO_BYTES = 128;
const SIGINFO_PID = 16;

interface Kept {
  readonly status: ExitStatus;
  /** performance.now() */
  readonly atMs: number;
}

interface Waiting {
  readonly promise: Promise<ExitStatus>;
  readonly settle: (status: ExitStatus) => void;
}

/**
 * The children of a process that is a subreaper: those that are waited for by their pid, and orphans of containers, which
 * nobody knows. Children of Bun.spawn() are left to Bun: see `spawned`.
 */
export class Children {
  readonly #kernel: Kernel;
  readonly #waiting = new Map<number, Waiting>();
  readonly #kept = new Map<number, Kept>();
  #sweep: Timer | undefined;
  #changedAt = 0;

  constructor(kernel: Kernel) {
    this.#kernel = kernel;
  }

  /** The status of a child, when it has ended; 255 for one that somebody else has reaped. */
  exited(pid: number): Promise<ExitStatus> {
    const waiting = this.#waiting.get(pid);
    if (waiting !== undefined) return waiting.promise;
    const ended = this.reap(pid);
    if (ended !== undefined) return Promise.resolve(ended);
    const { promise, resolve } = Promise.withResolvers<ExitStatus>();
    this.#waiting.set(pid, { promise, settle: resolve });
    return promise;
  }

  /** wait4(2), WNOHANG: the status of a child that has ended. Who waits for it gets it too. */
  reap(pid: number): ExitStatus | undefined {
    const status = this.#takeKept(pid) ?? waitForChild(this.#kernel, pid, false);
    if (status === undefined) return undefined;
    this.#waiting.get(pid)?.settle(status);
    this.#waiting.delete(pid);
    return status;
  }

  #takeKept(pid: number): ExitStatus | undefined {
    const kept = this.#kept.get(pid);
    this.#kept.delete(pid);
    return kept !== undefined && performance.now() - kept.atMs < KEPT_MS ? kept.status : undefined;
  }

  /** A child has changed its state: to be called for SIGCHLD. */
  check(): void {
    for (const pid of [...this.#waiting.keys()]) this.reap(pid);
    this.#changedAt = performance.now();
    this.#sweep ??= setTimeout(() => this.#sweepOrphans(), ORPHAN_GRACE_MS);
  }

  #sweepOrphans(): void {
    this.#sweep = undefined;
    const quietMs = performance.now() - this.#changedAt;
    if (quietMs < ORPHAN_GRACE_MS) {
      // One of the zombies may be younger than the grace.
      this.#sweep = setTimeout(() => this.#sweepOrphans(), ORPHAN_GRACE_MS - quietMs);
      return;
    }
    for (let pid = this.#findZombie(); pid !== 0; pid = this.#findZombie()) {
      if (isSpawned(pid)) {
        // It hides those behind it until Bun has reaped it.
        this.#sweep = setTimeout(() => this.#sweepOrphans(), ORPHAN_GRACE_MS);
        return;
      }
      this.#bury(pid);
    }
  }

  /** waitid(2): the pid of a child that has ended, which stays a zombie; 0 when there is none. */
  #findZombie(): number {
    const info = new Int32Array(SIGINFO_BYTES / 4);
    const { WEXITED, WNOHANG, WNOWAIT } = WAIT;
    const result = this.#kernel.call("waitid", P_ALL, 0, info, WEXITED | WNOHANG | WNOWAIT, 0);
    return result < 0 ? 0 : (info[SIGINFO_PID / 4] ?? 0);
  }

  #bury(pid: number): void {
    // What was there of an earlier process with this pid is not its status.
    this.#kept.delete(pid);
    const isAwaited = this.#waiting.has(pid);
    const status = this.reap(pid);
    if (status === undefined || isAwaited) return;
    this.#kept.set(pid, { status, atMs: performance.now() });
    const [oldest] = this.#kept.keys();
    if (this.#kept.size > MAX_KEPT && oldest !== undefined) this.#kept.delete(oldest);
  }
}
