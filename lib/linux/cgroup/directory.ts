import { ContainerError } from "../../errors.ts";
import { errnoNumber, errnoText } from "../constants/errno.ts";
import { findText, isErrno, listDirectory, removeEmptyDirectory, writeText } from "../files.ts";
import type { Kernel } from "../kernel.ts";

/** How often a directory that is still busy is tried again; the pauses double, from 1 ms to half a second. */
const REMOVE_TRIES = 10;

/** cgroups(7): the pids of all processes in a cgroup and below; none when it is gone. */
export function listProcesses(kernel: Kernel, directory: string): readonly number[] {
  const own = findText(kernel, `${directory}/cgroup.procs`, ...GONE);
  if (own === undefined) return [];
  const pids = own.split("\n").filter((line) => line !== "");
  return [...pids.map(Number), ...children(kernel, directory).flatMap((child) => listProcesses(kernel, child))];
}

/** cgroups(7), cgroup.kill: SIGKILL to all processes of a v2 cgroup at once; false where the kernel lacks it. */
export function killAll(kernel: Kernel, directory: string): boolean {
  try {
    writeText(kernel, `${directory}/cgroup.kill`, "1");
    return true;
  } catch (error) {
    if (isErrno(error, "ENOENT", "EACCES", "EPERM")) return false;
    throw error;
  }
}

/** The freezer says that the processes of this cgroup stand still. */
export function isFrozen(kernel: Kernel, directory: string, mode: "v1" | "v2"): boolean {
  if (mode === "v1") return findText(kernel, `${directory}/freezer.state`, ...GONE)?.startsWith("F") ?? false;
  return findText(kernel, `${directory}/cgroup.events`, ...GONE)?.includes("frozen 1") ?? false;
}

/**
 * Removes a cgroup and those below; one that is gone already is no fault. Processes that are just ending keep it busy
 * for a moment.
 * @throws {ContainerError} failed_precondition, naming the processes that are still in it
 */
export async function removeCgroup(kernel: Kernel, directory: string): Promise<void> {
  for (let attempt = 0; ; attempt++) {
    if (tryRemoveCgroup(kernel, directory)) return;
    if (attempt === REMOVE_TRIES) break;
    await new Promise((resolve) => setTimeout(resolve, Math.min(2 ** attempt, 500)));
  }
  const pids = listProcesses(kernel, directory);
  const why = pids.length === 0 ? "it is busy" : `it holds the processes ${pids.join(", ")}`;
  throw new ContainerError("failed_precondition", `cannot remove cgroup ${directory}: ${why}`);
}

/** rmdir(2), children first; false when something is busy. @throws {ContainerError} for any other refusal */
export function tryRemoveCgroup(kernel: Kernel, directory: string): boolean {
  const result = removeEmptyDirectory(kernel, directory);
  if (result >= 0 || result === -errnoNumber("ENOENT") || result === -errnoNumber("ENODEV")) return true;
  if (result !== -errnoNumber("EBUSY") && result !== -errnoNumber("ENOTEMPTY")) {
    throw new ContainerError("internal", `cannot remove cgroup ${directory}: ${errnoText(-result)}`);
  }
  const below = children(kernel, directory);
  return (
    below.length > 0 && below.every((child) => tryRemoveCgroup(kernel, child)) && tryRemoveCgroup(kernel, directory)
  );
}

function children(kernel: Kernel, directory: string): readonly string[] {
  return listDirectory(kernel, directory, ...GONE)
    .filter((entry) => entry.isDirectory)
    .map((entry) => `${directory}/${entry.name}`);
}

/** What reading a cgroup gives while, or after, it is removed. */
const GONE = ["ENOENT", "ENODEV", "EOPNOTSUPP"] as const;
