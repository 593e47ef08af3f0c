import { api } from "../api.ts";
import type { Client } from "../client.ts";
import { isNotFound } from "./content.ts";

const LIFETIME_MS = 24 * 3600 * 1000;

const ATTEMPT_LABEL = "tsrun.dev/attempt";
const PID_LABEL = "tsrun.dev/pid";

/**
 * Does work whose results nothing refers to yet: a lease keeps them until it is over, or for a day when this process does
 * not live that long. With `attempt`, the name of what is done, what it has brought before it failed is kept for a day,
 * too, or until the same has succeeded: the next one finds what there is.
 */
export async function withLease<T>(client: Client, work: (client: Client) => Promise<T>, attempt?: string): Promise<T> {
  const own = attempt === undefined ? {} : { [ATTEMPT_LABEL]: attempt, [PID_LABEL]: String(process.pid) };
  const labels = { "containerd.io/gc.expire": new Date(Date.now() + LIFETIME_MS).toISOString(), ...own };
  const id = `tsctr-${crypto.randomUUID()}`;
  await client.call(api.leases.create, { id, labels });
  let isDone = false;
  try {
    const result = await work(client.with({ lease: id }));
    isDone = true;
    return result;
  } finally {
    if (isDone || attempt === undefined || !(await keepsAnything(client, id))) await deleteLease(client, id);
    if (isDone && attempt !== undefined) await deleteAttempts(client, attempt);
  }
}

async function keepsAnything(client: Client, id: string): Promise<boolean> {
  const { resources } = await client.call(api.leases.listResources, { id });
  return resources.length > 0;
}

/** Deletes the leases of attempts at the same whose processes are gone. */
async function deleteAttempts(client: Client, attempt: string): Promise<void> {
  const filter = `labels.${JSON.stringify(ATTEMPT_LABEL)}==${JSON.stringify(attempt)}`;
  const { leases } = await client.call(api.leases.list, { filters: [filter] });
  for (const { id, labels } of leases) {
    if (!isAlive(Number(labels[PID_LABEL] ?? 0))) await deleteLease(client, id);
  }
}

/** kill(2) with signal 0: whether there is a process of this number. */
function isAlive(pid: number): boolean {
  try {
    return pid > 0 && process.kill(pid, 0);
  } catch (error) {
    return !(error instanceof Error && "code" in error && error.code === "ESRCH");
  }
}

async function deleteLease(client: Client, id: string): Promise<void> {
  try {
    await client.call(api.leases.delete, { id, sync: false });
  } catch (error) {
    if (!isNotFound(error)) throw error;
  }
}
