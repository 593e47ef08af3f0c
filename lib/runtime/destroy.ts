import { ContainerError } from "../errors.ts";
import { isFrozen, killAll, listProcesses, removeCgroup, tryRemoveCgroup } from "../linux/cgroup/directory.ts";
import { SIGNALS } from "../linux/constants/processes.ts";
import { removeEmptyDirectory, writeText } from "../linux/files.ts";
import type { Kernel } from "../linux/kernel.ts";
import { isRunning } from "../linux/procfs.ts";
import { sendSignal } from "../linux/signal.ts";
import { hookState } from "./container-status.ts";
import { type ContainerRecord, removeContainerDirectory } from "./container-store.ts";
import { runAllHooks } from "./hooks.ts";
import type { RuntimeOptions } from "./options.ts";
import { reapChild } from "./waits.ts";

/** How long the processes of a container may take to end after SIGKILL. */
const KILL_TIMEOUT_MS = 10_000;
const KILL_POLL_MS = 5;

/**
 * Ends whatever is left of a container and removes its cgroups and its directory. Idempotent.
 * @throws {ContainerError} deadline_exceeded, naming the processes that do not end
 */
export async function destroy(options: RuntimeOptions, record: ContainerRecord): Promise<void> {
  const { scope } = record.cgroups;
  if (scope !== undefined || !removeEmptyCgroups(options, record)) {
    await killProcesses(options, record);
    if (scope !== undefined) await (await import("./scope.ts")).removeScope(options, record, scope);
    for (const directory of record.cgroups.directories) await removeCgroup(options.kernel, directory);
  }
  // Nothing is left in them: a group may be removed with tasks, which go back to the group of all.
  for (const directory of record.resctrl?.own ?? []) removeEmptyDirectory(options.kernel, directory);
  removeContainerDirectory(options, record.id);
  // runtime.md § Lifecycle: a poststop hook that fails is a warning, and the others run all the same.
  const state = hookState(record, undefined, "stopped");
  await runAllHooks("poststop", record.hooks?.poststop, state, (message) => options.warn(message));
}

/** When init has ended and its cgroups can be removed as they are, there is nobody left to kill. */
function removeEmptyCgroups(options: RuntimeOptions, { init, cgroups }: ContainerRecord): boolean {
  const { kernel } = options;
  // Where this process is its parent, a zombie would stay with it.
  if (init !== undefined) reapChild(options, init.pid);
  if (init !== undefined && isRunning(kernel, init.pid, init.startTime)) return false;
  return cgroups.directories.every((directory) => tryRemoveCgroup(kernel, directory));
}

/** SIGKILL to init and to all processes of the container's cgroups, until none is left. */
export async function killProcesses(options: RuntimeOptions, record: ContainerRecord): Promise<void> {
  const deadline = performance.now() + KILL_TIMEOUT_MS;
  for (;;) {
    const pids = findProcesses(options, record);
    if (pids.length === 0) return;
    if (performance.now() > deadline) {
      const why = `process(es) ${pids.join(", ")} did not end after SIGKILL`;
      throw new ContainerError("deadline_exceeded", `cannot kill container ${record.id}: ${why}`);
    }
    thaw(options.kernel, record);
    const [directory] = record.cgroups.directories;
    if (record.cgroups.mode === "v1" || directory === undefined || !killAll(options.kernel, directory)) {
      for (const pid of pids) sendSignal(options.kernel, pid, SIGNALS.SIGKILL);
    }
    await new Promise((resolve) => setTimeout(resolve, KILL_POLL_MS));
  }
}

/** The processes that still run, after reaping those that are children of this process. */
function findProcesses(options: RuntimeOptions, record: ContainerRecord): readonly number[] {
  const pids = new Set(record.cgroups.directories.flatMap((directory) => listProcesses(options.kernel, directory)));
  const { init } = record;
  if (init !== undefined) {
    reapChild(options, init.pid);
    if (isRunning(options.kernel, init.pid, init.startTime)) pids.add(init.pid);
    else pids.delete(init.pid);
  }
  return [...pids];
}

/** cgroups(7), v1 freezer: a frozen process takes no signal, not even SIGKILL. */
export function thaw(kernel: Kernel, { cgroups }: ContainerRecord): void {
  if (cgroups.freezer === undefined || !isFrozen(kernel, cgroups.freezer, cgroups.mode)) return;
  const [file, value] = cgroups.mode === "v1" ? ["freezer.state", "THAWED"] : ["cgroup.freeze", "0"];
  writeText(kernel, `${cgroups.freezer}/${file}`, value);
}
