import { api } from "../api.ts";
import type { Client } from "../client.ts";
import { isNotFound } from "./content.ts";

const LIFETIME_MS = 24 * 3600 * 1000;

/**
 * Does work whose results nothing refers to yet: a lease keeps them until it is over, or for a day when this process does
 * not live that long.
 */
export async function withLease<T>(client: Client, work: (client: Client) => Promise<T>): Promise<T> {
  const labels = { "containerd.io/gc.expire": new Date(Date.now() + LIFETIME_MS).toISOString() };
  const id = `tsctr-${crypto.randomUUID()}`;
  await client.call(api.leases.create, { id, labels });
  try {
    return await work(client.with({ lease: id }));
  } finally {
    await deleteLease(client, id);
  }
}

async function deleteLease(client: Client, id: string): Promise<void> {
  try {
    await client.call(api.leases.delete, { id, sync: false });
  } catch (error) {
    if (!isNotFound(error)) throw error;
  }
}
