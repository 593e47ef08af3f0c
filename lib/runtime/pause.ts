import { ContainerError } from "../errors.ts";
import { isFrozen } from "../linux/cgroup/directory.ts";
import { freeze, unfreeze } from "../linux/cgroup/freezer.ts";
import { statusOf } from "./container-status.ts";
import { type CgroupRecord, lockContainer, readRecord } from "./container-store.ts";
import type { RuntimeOptions } from "./options.ts";

/**
 * runc-pause(8): stops all processes of a container that is created or running.
 * @throws {ContainerError} failed_precondition `container not running`, which it also says of a paused one, as runc does
 */
export async function pause(options: RuntimeOptions, id: string): Promise<void> {
  using _lock = await lockContainer(options, id);
  const record = readRecord(options, id);
  const status = statusOf(options, record);
  if (status !== "running" && status !== "created") {
    throw new ContainerError("failed_precondition", "container not running");
  }
  const directory = freezerOf(record.cgroups, `cannot pause container ${id}`);
  try {
    await freeze(options.kernel, directory, record.cgroups.mode);
  } catch (error) {
    throw cannotPause(id, error);
  }
}

function cannotPause(id: string, cause: unknown): ContainerError {
  return new ContainerError("internal", `cannot pause container ${id}`, { cause });
}

/** runc-resume(8): lets a paused container go on. @throws {ContainerError} failed_precondition `container not paused` */
export async function resume(options: RuntimeOptions, id: string): Promise<void> {
  using _lock = await lockContainer(options, id);
  const record = readRecord(options, id);
  if (statusOf(options, record) !== "paused") {
    throw new ContainerError("failed_precondition", "container not paused");
  }
  const { mode } = record.cgroups;
  const directory = freezerOf(record.cgroups, `cannot resume container ${id}`);
  unfreeze(options.kernel, directory, mode);
  if (!isFrozen(options.kernel, directory, mode)) return;
  throw new ContainerError(
    "failed_precondition",
    `cannot resume container ${id}: a cgroup above ${directory} is frozen`,
  );
}

function freezerOf({ freezer, directories }: CgroupRecord, doing: string): string {
  if (freezer !== undefined) return freezer;
  if (directories.length === 0) {
    throw new ContainerError("failed_precondition", `${doing}: it has no cgroup, because its user may not make one`);
  }
  throw new ContainerError("failed_precondition", `${doing}: the freezer controller is not mounted on this host`);
}
