import { ContainerError } from "../errors.ts";
import { killAll } from "../linux/cgroup/directory.ts";
import { SIGNALS } from "../linux/constants/processes.ts";
import { sendSignal, signalProcess } from "../linux/signal.ts";
import { containerPids } from "./container-processes.ts";
import { statusOf } from "./container-status.ts";
import { type ContainerRecord, readRecord } from "./container-store.ts";
import { thaw } from "./destroy.ts";
import type { RuntimeOptions } from "./options.ts";

export interface KillOptions {
  /** To every process of the container; that none is left is then a success. */
  readonly all: boolean;
}

/** runtime.md § Kill. @throws {ContainerError} failed_precondition `container not running` */
export function kill(options: RuntimeOptions, id: string, signal: number, { all }: KillOptions): void {
  const record = readRecord(options, id);
  // Without a pid namespace of its own nothing ends with init: SIGKILL has to reach everyone, also after init.
  const { init } = record;
  const isAlive = init !== undefined && statusOf(options, record) !== "stopped";
  const reachesAll = all || (signal === SIGNALS.SIGKILL && !record.ownPidNamespace);
  if (reachesAll && (all || isAlive || containerPids(options.kernel, record).length > 0)) {
    signalAll(options, record, signal);
    return;
  }
  if (!isAlive || !signalProcess(options.kernel, init.pid, init.startTime, signal)) {
    throw new ContainerError("failed_precondition", "container not running");
  }
  if (signal === SIGNALS.SIGKILL) thaw(options.kernel, record);
}

function signalAll(options: RuntimeOptions, record: ContainerRecord, signal: number): void {
  const [directory] = record.cgroups.directories;
  const isV2 = directory !== undefined && record.cgroups.mode === "v2";
  if (signal === SIGNALS.SIGKILL && isV2 && killAll(options.kernel, directory)) return;
  for (const pid of containerPids(options.kernel, record)) sendSignal(options.kernel, pid, signal);
  if (signal === SIGNALS.SIGKILL) thaw(options.kernel, record);
}
