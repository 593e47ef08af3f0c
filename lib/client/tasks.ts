import { containerd } from "../../proto/gen/daemon.js";
import { api } from "./api.ts";
import type { Client } from "./client.ts";

const { Status } = containerd.v1.types;

export type Process = containerd.v1.types.Process;
export type Container = containerd.services.containers.v1.Container;

/** How a container is: that of its task, or `created` of one that has none. */
export type ContainerStatus = "created" | "running" | "paused" | "stopped" | "unknown";

/** A container and its task. */
export interface Listed {
  readonly container: Container;
  readonly task: Process | undefined;
  readonly status: ContainerStatus;
}

/** Every container of the namespace, the newest first. */
export async function listContainers(client: Client, filters: readonly string[] = []): Promise<readonly Listed[]> {
  const [{ containers }, { tasks }] = await Promise.all([
    client.call(api.containers.list, { filters }),
    client.call(api.tasks.list, {}),
  ]);
  const byId = new Map(tasks.map((task) => [task.id, task]));
  return containers
    .map((container) => {
      const task = byId.get(container.id);
      return { container, task, status: statusOf(task) };
    })
    .sort((a, b) => createdAt(b) - createdAt(a));
}

function createdAt({ container }: Listed): number {
  const { seconds = 0, nanos = 0 } = container.createdAt ?? {};
  return Number(seconds) + nanos / 1e9;
}

const STATUSES: ReadonlyMap<number, ContainerStatus> = new Map([
  [Status.CREATED, "created"],
  [Status.RUNNING, "running"],
  [Status.PAUSED, "paused"],
  [Status.PAUSING, "paused"],
  [Status.STOPPED, "stopped"],
]);

/** What a container with this task is. */
export function statusOf(task: Process | undefined): ContainerStatus {
  return task === undefined ? "created" : (STATUSES.get(task.status) ?? "unknown");
}
