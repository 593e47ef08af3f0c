import { ContainerError } from "../errors.ts";
import { listProcesses } from "../linux/cgroup/directory.ts";
import { parseNumber } from "../linux/cgroup/parse-values.ts";
import { exists, findText, isDirectory } from "../linux/files.ts";
import type { Kernel } from "../linux/kernel.ts";
import type { LinuxResources } from "../spec/resources.ts";
import type { CgroupRecord } from "./container-store.ts";
import { controllerDirectories } from "./controllers.ts";

const ABSENT = ["ENOENT", "ENODEV", "EOPNOTSUPP", "EINVAL"] as const;

/**
 * What a container's cgroups have to be before it is made, where they are there already: empty, and not frozen.
 * @throws {ContainerError} failed_precondition, in runc's words
 */
export function refuseUsedCgroups(kernel: Kernel, cgroups: CgroupRecord): void {
  const { directories, freezer } = cgroups;
  if (freezer !== undefined) refuseFrozen(kernel, freezer, cgroups.mode);
  // A container has its directory in every hierarchy: what is not in the first one is nowhere.
  const [first] = directories;
  if (first === undefined || !exists(kernel, first)) return;
  for (const directory of directories) {
    const pids = listProcesses(kernel, directory);
    if (pids.length === 0) continue;
    // A limit of ours would hit, and a delete of ours would kill, processes that are somebody else's.
    const why = `${directory} holds ${pids.length} process(es): ${pids.slice(0, 10).join(", ")}`;
    throw new ContainerError("failed_precondition", `container's cgroup is not empty: ${why}`);
  }
}

/** What is born in a frozen cgroup, or below one, never gets to its first step. */
function refuseFrozen(kernel: Kernel, directory: string, mode: "v1" | "v2"): void {
  let at = directory;
  while (at !== "" && !isDirectory(kernel, at)) at = at.slice(0, at.lastIndexOf("/"));
  const file = mode === "v1" ? "freezer.state" : "cgroup.events";
  const state = findText(kernel, `${at}/${file}`, ...ABSENT) ?? "";
  if (!(mode === "v1" ? state.startsWith("F") : state.includes("frozen 1"))) return;
  throw new ContainerError("failed_precondition", `container's cgroup unexpectedly frozen: ${at}`);
}

/**
 * config-linux.md § Memory, `checkBeforeUpdate`: no limit below what is in use, which would kill.
 * @throws {ContainerError} failed_precondition, naming limit and usage
 */
export function checkMemory(kernel: Kernel, cgroups: CgroupRecord, { memory = {} }: LinuxResources): void {
  const { limit = 0, swap = 0 } = memory;
  if (memory.checkBeforeUpdate !== true || (limit <= 0 && swap <= 0)) return;
  const isV2 = cgroups.mode === "v2";
  const directory = isV2 ? cgroups.directories[0] : controllerDirectories(kernel, cgroups).get("memory");
  const file = isV2 ? "memory.current" : "memory.usage_in_bytes";
  const usage = parseNumber(findText(kernel, `${directory ?? ""}/${file}`, ...ABSENT)) ?? 0n;
  const reject = (property: string, why: string): never => {
    throw new ContainerError("failed_precondition", `cannot apply linux.resources.memory.${property}: ${why}`);
  };
  if (limit > 0 && usage > BigInt(limit)) reject("limit", `rejecting memory limit ${limit} < usage ${usage}`);
  if (swap > 0 && usage > BigInt(swap)) reject("swap", `rejecting memory+swap limit ${swap} < usage ${usage}`);
}
