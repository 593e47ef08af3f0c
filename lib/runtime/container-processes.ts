import { listProcesses } from "../linux/cgroup/directory.ts";
import { findLink, listDirectory } from "../linux/files.ts";
import type { Kernel } from "../linux/kernel.ts";
import { isRunning } from "../linux/procfs.ts";
import type { ContainerRecord } from "./container-store.ts";

/**
 * The pids, on this host, of all processes of a container: those of its cgroup or, for one that has none, those of its
 * pid namespace. With neither there is no telling whose child is whose: then it is init alone.
 */
export function containerPids(kernel: Kernel, { cgroups, init, ownPidNamespace }: ContainerRecord): readonly number[] {
  const [directory] = cgroups.directories;
  if (directory !== undefined) return listProcesses(kernel, directory);
  if (init === undefined || !isRunning(kernel, init.pid, init.startTime)) return [];
  const namespace = findLink(kernel, `/proc/${init.pid}/ns/pid`);
  if (!ownPidNamespace || namespace === undefined) return [init.pid];
  return listDirectory(kernel, "/proc")
    .filter(({ name }) => /^\d+$/.test(name) && findLink(kernel, `/proc/${name}/ns/pid`) === namespace)
    .map(({ name }) => Number(name));
}
