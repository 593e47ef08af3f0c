import { existsSync } from "node:fs";
import { join } from "node:path";
import { POLL } from "../../linux/constants/sockets.ts";
import type { OwnedFd } from "../../linux/fd.ts";
import type { Kernel } from "../../linux/kernel.ts";
import { findExit, openProcess } from "../../linux/pidfd.ts";
import { readStat } from "../../linux/procfs.ts";
import { pollNow } from "../../linux/readiness.ts";
import { toTimestamp } from "../messages.ts";
import type { Bundle, ShimCommand } from "./bundle.ts";
import { type DaemonAddresses, startShim } from "./call-shim.ts";
import { type Adopted, Shim } from "./shim.ts";

/** A shim of ours keeps what another one has to know; those of others know of nothing like it. */
const RECORD = "task.json";

/** Whether the task of a bundle can be given to another shim when its own has ended. */
export function canBeTakenOver({ path }: Bundle): boolean {
  return existsSync(join(path, RECORD));
}

/** The first process of a task, of which this process sees the end though it is no child of its own. */
export class FirstProcess {
  readonly #kernel: Kernel;
  readonly #pid: number;
  #process: OwnedFd | undefined;

  /** `pid` is what its shim has just told. */
  constructor(kernel: Kernel, pid: number) {
    this.#kernel = kernel;
    this.#pid = pid;
    const startTime = pid > 0 ? readStat(kernel, pid)?.startTime : undefined;
    this.#process = startTime === undefined ? undefined : openProcess(kernel, pid, startTime);
  }

  /** Whether it has this pid and has not ended; false when nobody can tell. */
  isAlive(pid: number): boolean {
    return this.#process !== undefined && pid === this.#pid && pollNow(this.#kernel, this.#process, POLL.POLLIN) === 0;
  }

  /** Its exit status, or 128 plus the signal; undefined while it runs, and when nobody can tell. */
  get exitStatus(): number | undefined {
    return this.#process === undefined ? undefined : findExit(this.#kernel, this.#process, this.#pid)?.code;
  }

  /** From here on nothing is known of it. */
  close(): void {
    this.#process?.close();
    this.#process = undefined;
  }
}

/** What a shim is told of the task that it takes over. */
export interface Known {
  readonly exitStatus: number | undefined;
  readonly nowNs: bigint;
  /** Everybody has been told of the end. */
  readonly hasExited: boolean;
  /** Everybody has been told that it was started. */
  readonly hasStarted: boolean;
}

/** Starts a shim that goes on with a task whose shim has ended. @throws {ContainerError}; then nobody has the task */
export async function takeOver(
  {
    bundle,
    command,
    addresses,
  }: { readonly bundle: Bundle; readonly command: ShimCommand; readonly addresses: DaemonAddresses },
  { exitStatus, nowNs, hasExited, hasStarted }: Known,
): Promise<Adopted> {
  const path = await startShim(command, bundle, { addresses, options: new Uint8Array() });
  const exit = exitStatus === undefined ? {} : { exit: { status: exitStatus, at: toTimestamp(nowNs) } };
  return await Shim.adopt(bundle.id, path, {
    bundle: bundle.path,
    ...exit,
    exitTold: hasExited,
    startTold: hasStarted,
  });
}
