import type { Kernel } from "../linux/kernel.ts";
import {
  type MachineInfo,
  type ProcessInfo,
  readMachineInfo,
  readNames,
  readProcessInfo,
} from "../linux/process-info.ts";
import { containerPids } from "./container-processes.ts";
import { readRecord } from "./container-store.ts";
import type { RuntimeOptions } from "./options.ts";

/** What a table of a container's processes is made from. */
export interface ProcessSnapshot {
  /** In the order of their pids. */
  readonly processes: readonly ProcessInfo[];
  readonly machine: MachineInfo;
  readonly users: ReadonlyMap<number, string>;
  readonly groups: ReadonlyMap<number, string>;
}

/** The pids, on this host, of all processes of a container; none of a stopped one. @throws {ContainerError} not_found */
export function listContainerPids(options: RuntimeOptions, id: string): readonly number[] {
  return containerPids(options.kernel, readRecord(options, id));
}

/** All that ps(1) would say of a container's processes. @throws {ContainerError} not_found */
export function inspectProcesses(options: RuntimeOptions, id: string, nowMs: number): ProcessSnapshot {
  return describeProcesses(options.kernel, listContainerPids(options, id), nowMs);
}

/** All that ps(1) would say of some processes; of those that are gone meanwhile, nothing. */
export function describeProcesses(kernel: Kernel, pids: readonly number[], nowMs: number): ProcessSnapshot {
  return {
    processes: pids.toSorted((a, b) => a - b).flatMap((pid) => readProcessInfo(kernel, pid) ?? []),
    machine: readMachineInfo(kernel, nowMs),
    users: readNames(kernel, "/etc/passwd"),
    groups: readNames(kernel, "/etc/group"),
  };
}
