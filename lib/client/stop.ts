import { SIGNALS } from "../linux/constants/processes.ts";
import { api } from "./api.ts";
import type { Client } from "./client.ts";
import { unlessGone } from "./create.ts";
import type { Container } from "./tasks.ts";

/** containerd's restart monitor leaves what a person has stopped alone. */
const STOPPED_LABEL = "containerd.io/restart.explicitly-stopped";
/** With it a container is looked after by a restart monitor. */
export const RESTART_LABEL = "containerd.io/restart.status";

/** Asks a task's first process to end, and after `graceMs` makes all of them. Returns when it has ended. @throws {ContainerError} */
export async function stopTask(
  client: Client,
  container: Container,
  { signal, graceMs }: { readonly signal: number; readonly graceMs: number },
): Promise<void> {
  const containerId = container.id;
  await markStopped(client, container, "true");
  const ended = client.call(api.tasks.wait, { containerId }, {}).then(
    () => "ended" as const,
    (error: unknown) => {
      unlessGone(error);
      return "ended" as const;
    },
  );
  // Whoever waits below is told of its failure.
  ended.catch(() => undefined);
  await client.call(api.tasks.kill, { containerId, signal }).catch(unlessGone);
  if ((await within(ended, graceMs)) === "ended") return;
  await client.call(api.tasks.kill, { containerId, signal: SIGNALS.SIGKILL, all: true }).catch(unlessGone);
  await ended;
}

/** Tells the restart monitor whether a container is meant to be stopped; one that it does not look after has no such label. */
export async function markStopped(client: Client, { id, labels }: Container, value: "true" | "false"): Promise<void> {
  if (labels[RESTART_LABEL] === undefined) return;
  const container = { id, labels: { [STOPPED_LABEL]: value } };
  await client.call(api.containers.update, { container, updateMask: { paths: [`labels.${STOPPED_LABEL}`] } });
}

async function within<T>(promise: Promise<T>, ms: number): Promise<T | undefined> {
  const { promise: late, resolve } = Promise.withResolvers<undefined>();
  const timer = setTimeout(() => resolve(undefined), ms);
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
