import { ContainerError } from "../errors.ts";
import type { OwnedFd } from "../linux/fd.ts";
import { statusOf } from "./container-status.ts";
import {
  type ContainerRecord,
  findRecord,
  hasDirectory,
  lockContainer,
  notFound,
  removeContainerDirectory,
} from "./container-store.ts";
import { destroy } from "./destroy.ts";
import type { RuntimeOptions } from "./options.ts";

/**
 * runtime.md § Delete. With `force` a running container is killed first, one that was never completed or whose record is
 * damaged is cleared away, and one that does not exist is no fault.
 * @throws {ContainerError} not_found; failed_precondition for a container that runs
 */
export async function deleteContainer(
  options: RuntimeOptions,
  id: string,
  { force }: { readonly force: boolean },
): Promise<void> {
  using lock = await findAndLock(options, id);
  if (lock === undefined) {
    if (force) return;
    throw notFound(id);
  }
  const record = force ? await findWhole(options, id) : findRecord(options, id);
  if (record === "damaged") return;
  if (record === undefined) {
    // Its maker ended before it wrote down what it makes, so nothing is made yet.
    if (!force) throw notFound(id);
    removeContainerDirectory(options, id);
    return;
  }
  const status = statusOf(options, record);
  if (!force && status !== "stopped" && status !== "created" && status !== "creating") {
    throw new ContainerError("failed_precondition", `cannot delete container ${id} that is not stopped: ${status}`);
  }
  await destroy(options, record);
}

/** The record of a container; one that is damaged is removed with all that can be found without it. */
async function findWhole(options: RuntimeOptions, id: string): Promise<ContainerRecord | undefined | "damaged"> {
  try {
    return findRecord(options, id);
  } catch (error) {
    if (!(error instanceof ContainerError) || error.code !== "data_loss") throw error;
    await (await import("./damaged-container.ts")).removeDamaged(options, id);
    return "damaged";
  }
}

/** The lock of a container; undefined when there is none, or none any more. @throws {ContainerError} */
async function findAndLock(options: RuntimeOptions, id: string): Promise<OwnedFd | undefined> {
  if (!hasDirectory(options, id)) return undefined;
  try {
    return await lockContainer(options, id);
  } catch (error) {
    if (error instanceof ContainerError && error.code === "not_found") return undefined;
    throw error;
  }
}
