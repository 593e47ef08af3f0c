import { ContainerError, explain } from "../errors.ts";
import type { Kernel } from "../linux/kernel.ts";
import type { SnapshotMount } from "../linux/layered-files.ts";
import { api } from "./api.ts";
import type { Client } from "./client.ts";
import { findTask } from "./containers.ts";
import { createTask, unlessGone } from "./create.ts";
import { INPUT_LABEL, makeInput } from "./fifos.ts";
import { defaultLogUri, LOG_LABEL, RESTART_LOG_LABEL } from "./logs/place.ts";
import { readSpec } from "./spec/read-spec.ts";
import { markStopped, RESTART_LABEL } from "./stop.ts";
import { type Container, statusOf } from "./tasks.ts";

/** Starts a container that has no task, or one that has ended, in the background. @throws {ContainerError} */
export async function startAgain(client: Client, kernel: Kernel, container: Container): Promise<void> {
  const { id, snapshotter, snapshotKey, labels } = container;
  const task = await findTask(client, id);
  const status = statusOf(task);
  if (task !== undefined && status !== "stopped") {
    throw new ContainerError("failed_precondition", `cannot start ${id}: it is ${status}, must be stopped`);
  }
  if (task !== undefined) await client.call(api.tasks.delete, { containerId: id }, {}).catch(unlessGone);
  const { mounts } = await client.call(api.snapshots.mounts, { snapshotter, key: snapshotKey });
  const terminal = readSpec(container)?.process?.terminal === true;
  const log = (await withLog(client, container)).labels[LOG_LABEL] ?? "";
  const streams = { log, input: labels[INPUT_LABEL] ?? "", terminal };
  await startInBackground(client, kernel, { id, mounts, ...streams, isRestarted: labels[RESTART_LABEL] !== undefined });
  await markStopped(client, container, "false");
}

/** A container, with a log for what it writes in the background: one that ran in the foreground had none. @throws {ContainerError} */
export async function withLog(client: Client, container: Container): Promise<Container> {
  const { id, labels } = container;
  if (labels[LOG_LABEL] !== undefined) return container;
  const uri = defaultLogUri(client.scope.namespace, id);
  await setLabel(client, id, LOG_LABEL, uri);
  return { ...container, labels: { ...labels, [LOG_LABEL]: uri } };
}

async function setLabel(...[client, id, label, value]: [Client, id: string, label: string, value: string]) {
  const request = { container: { id, labels: { [label]: value } }, updateMask: { paths: [`labels.${label}`] } };
  await client.call(api.containers.update, request);
}

/** A task that nobody stays with. */
export interface BackgroundStart {
  readonly id: string;
  readonly mounts: readonly SnapshotMount[];
  /** Where what it writes goes; "" for nowhere. */
  readonly log: string;
  /** The FIFO that it reads; "" for nothing. */
  readonly input: string;
  readonly terminal: boolean;
  /** A restart monitor may start it again, with the outputs that a label names. */
  readonly isRestarted: boolean;
}

/** Makes a task and starts it. @throws {ContainerError} */
export async function startInBackground(client: Client, kernel: Kernel, start: BackgroundStart): Promise<void> {
  const { id, mounts, log, input, terminal, isRestarted } = start;
  if (input !== "") makeInput(kernel, input);
  const create = async (uri: string) => {
    const stdio = { stdin: input, stdout: uri, stderr: terminal ? "" : uri };
    await createTask(client, { id, mounts }, { stdio, terminal });
  };
  try {
    await create(log);
  } catch (error) {
    if (terminal && isNoConsoleLog(error)) throw noConsoleLog(error);
    if (!isUnknownScheme(error)) throw error;
    // containerd's own shim writes plain files.
    const plain = log.replace(/^json-file:/, "file:").replace(/\?.*$/, "");
    await create(plain);
    if (isRestarted) await setLabel(client, id, RESTART_LOG_LABEL, plain);
  }
  await client.call(api.tasks.start, { containerId: id }, {});
}

/** containerd's shim for runc, of an URI that it has no writer for. */
function isUnknownScheme(error: unknown): boolean {
  return error instanceof ContainerError && /unknown STDIO scheme/i.test(explain(error));
}

/** The same, of the output of a terminal. */
function isNoConsoleLog(error: unknown): boolean {
  return error instanceof ContainerError && /console copy: stat json-file:/.test(explain(error));
}

function noConsoleLog(cause: unknown): ContainerError {
  const why = "its shim keeps no log of a terminal: leave --tty out, or stay with it";
  return new ContainerError("unimplemented", `the daemon cannot run this in the background: ${why}`, { cause });
}
