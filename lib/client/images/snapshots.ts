import { containerd } from "../../../proto/gen/daemon.js";
import { api } from "../api.ts";
import type { Client } from "../client.ts";

/** The snapshotter of clients that are told nothing. */
export const DEFAULT_SNAPSHOTTER = "overlayfs";

const { Kind } = containerd.services.snapshots.v1;
const KINDS: ReadonlyMap<number, string> = new Map([
  [Kind.VIEW, "view"],
  [Kind.ACTIVE, "active"],
  [Kind.COMMITTED, "committed"],
]);

/** A snapshot as people know it. */
export type Snapshot = Omit<containerd.services.snapshots.v1.Info, "kind"> & { readonly kind: string };

/** The snapshots of the namespace, by their keys. @throws {ContainerError} */
export async function listSnapshots(
  client: Client,
  snapshotter: string,
  filters: readonly string[] = [],
): Promise<readonly Snapshot[]> {
  const found: Snapshot[] = [];
  for await (const { info } of client.stream(api.snapshots.list, { snapshotter, filters })) {
    found.push(...info.map(toSnapshot));
  }
  return found.toSorted((a, b) => (a.name < b.name ? -1 : 1));
}

/** One snapshot. @throws {ContainerError} not_found */
export async function getSnapshot(client: Client, snapshotter: string, key: string): Promise<Snapshot> {
  const { info } = await client.call(api.snapshots.stat, { snapshotter, key });
  if (info === null) throw new TypeError("internal error: the daemon has answered without a snapshot");
  return toSnapshot(info);
}

function toSnapshot(info: containerd.services.snapshots.v1.Info): Snapshot {
  // A message has the fields that were not sent by its prototype: they have to be named.
  const { name, parent, createdAt, updatedAt, labels } = info;
  return { name, parent, createdAt, updatedAt, labels, kind: KINDS.get(info.kind) ?? "unknown" };
}
