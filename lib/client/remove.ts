import { ContainerError } from "../errors.ts";
import { SIGNALS } from "../linux/constants/processes.ts";
import type { Kernel } from "../linux/kernel.ts";
import { api } from "./api.ts";
import type { Client } from "./client.ts";
import { findTask } from "./containers.ts";
import { removeContainer, unlessGone } from "./create.ts";
import { INPUT_LABEL, removeFifos } from "./fifos.ts";
import { removeLog } from "./logs/place.ts";
import { markStopped } from "./stop.ts";
import { type Container, statusOf } from "./tasks.ts";

/** Removes all there is of a container. One that runs is ended first, or refused. @throws {ContainerError} */
export async function removeWhole(
  client: Client,
  kernel: Kernel,
  parts: {
    readonly container: Container;
    readonly force: boolean;
    readonly fifoRoot: string;
    /** Volumes that have no name of their own go with it. */
    readonly withVolumes: boolean;
  },
): Promise<void> {
  const { container, force, fifoRoot, withVolumes } = parts;
  const containerId = container.id;
  const task = await findTask(client, containerId);
  if (task !== undefined) {
    const status = statusOf(task);
    if (status !== "stopped") {
      if (!force) throw stillThere(containerId, status);
      await markStopped(client, container, "true");
      await end(client, containerId);
    }
    await client.call(api.tasks.delete, { containerId }).catch(unlessGone);
  }
  await removeContainer(client, container);
  if (task !== undefined) removeFifos(kernel, task, fifoRoot);
  removeFifos(kernel, { stdin: container.labels[INPUT_LABEL] ?? "", stdout: "", stderr: "" }, fifoRoot);
  removeLog(kernel, container);
  if (!withVolumes) return;
  const { removeAnonymousVolumes } = await import("./volumes/use.ts");
  await removeAnonymousVolumes(kernel, client, container);
}

async function end(client: Client, containerId: string): Promise<void> {
  await client.call(api.tasks.kill, { containerId, signal: SIGNALS.SIGKILL, all: true }).catch(unlessGone);
  await client.call(api.tasks.wait, { containerId }).catch(unlessGone);
}

function stillThere(id: string, status: string): ContainerError {
  return new ContainerError(
    "failed_precondition",
    `cannot remove ${id}: it is ${status}; stop it first, or use --force`,
  );
}
