import type { Kernel } from "../linux/kernel.ts";
import { api } from "./api.ts";
import type { Client } from "./client.ts";
import { findTask } from "./containers.ts";
import { REMOVAL_LABEL } from "./create.ts";
import { removeWhole } from "./remove.ts";
import { type Container, statusOf } from "./tasks.ts";

/** Only tsrund removes containers, and makes networks: its metadata are SQLite's, and no other daemon's are. */
export async function isTsrund(client: Client): Promise<boolean> {
  const filters = ["type==io.containerd.metadata.v1,id==sqlite"];
  return (await client.call(api.introspection.plugins, { filters })).plugins.length > 0;
}

/** Leaves it to the daemon to remove a container that runs; one that has ended meanwhile is removed. @throws {ContainerError} */
export async function removeAtItsEnd(
  client: Client,
  kernel: Kernel,
  { container, fifoRoot }: { readonly container: Container; readonly fifoRoot: string },
): Promise<void> {
  await setRemoval(client, container.id, true);
  if (statusOf(await findTask(client, container.id)) !== "stopped") return;
  await removeWhole(client, kernel, { container, force: false, fifoRoot, withVolumes: true });
}

/** Does work during which a container is stopped, and is not to be removed for that. */
export async function keptDuring<T>(client: Client, { id, labels }: Container, work: () => Promise<T>): Promise<T> {
  if (labels[REMOVAL_LABEL] !== "true") return await work();
  await setRemoval(client, id, false);
  const result = await work();
  await setRemoval(client, id, true);
  return result;
}

async function setRemoval(client: Client, id: string, isWanted: boolean): Promise<void> {
  const container = { id, labels: { [REMOVAL_LABEL]: String(isWanted) } };
  await client.call(api.containers.update, { container, updateMask: { paths: [`labels.${REMOVAL_LABEL}`] } });
}
