import { ContainerError, explain } from "../errors.ts";
import type { SnapshotMount } from "../linux/layered-files.ts";
import { api } from "./api.ts";
import type { Client } from "./client.ts";
import { findTask } from "./containers.ts";
import { createTask, unlessGone } from "./create.ts";
import { LOG_LABEL } from "./logs/place.ts";
import { readSpec } from "./spec/read-spec.ts";
import { markStopped } from "./stop.ts";
import { type Container, statusOf } from "./tasks.ts";

/** Starts a container that has no task, or one that has ended, in the background. @throws {ContainerError} */
export async function startAgain(client: Client, container: Container): Promise<void> {
  const { id, snapshotter, snapshotKey, labels } = container;
  const task = await findTask(client, id);
  const status = statusOf(task);
  if (task !== undefined && status !== "stopped") {
    throw new ContainerError("failed_precondition", `cannot start ${id}: it is ${status}, must be stopped`);
  }
  if (task !== undefined) await client.call(api.tasks.delete, { containerId: id }, {}).catch(unlessGone);
  const { mounts } = await client.call(api.snapshots.mounts, { snapshotter, key: snapshotKey });
  const terminal = readSpec(container)?.process?.terminal === true;
  await startInBackground(client, { id, mounts, log: labels[LOG_LABEL] ?? "", terminal });
  await markStopped(client, container, "false");
}

/** A task that nobody stays with. */
export interface BackgroundStart {
  readonly id: string;
  readonly mounts: readonly SnapshotMount[];
  /** Where what it writes goes; "" for nowhere. */
  readonly log: string;
  readonly terminal: boolean;
}

/** Makes a task and starts it. @throws {ContainerError} */
export async function startInBackground(client: Client, { id, mounts, log, terminal }: BackgroundStart): Promise<void> {
  const create = async (uri: string) => {
    const stdio = { stdin: "", stdout: uri, stderr: terminal ? "" : uri };
    await createTask(client, { id, mounts }, { stdio, terminal });
  };
  try {
    await create(log);
  } catch (error) {
    if (!isUnknownScheme(error)) throw error;
    // containerd's own shim writes plain files.
    await create(log.replace(/^json-file:/, "file:").replace(/\?.*$/, ""));
  }
  await client.call(api.tasks.start, { containerId: id }, {});
}

/** containerd's shim for runc, of an URI that it has no writer for. */
function isUnknownScheme(error: unknown): boolean {
  return error instanceof ContainerError && /unknown STDIO scheme/i.test(explain(error));
}
