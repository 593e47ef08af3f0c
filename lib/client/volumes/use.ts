import { ContainerError } from "../../errors.ts";
import { listDirectory } from "../../linux/files.ts";
import type { Kernel } from "../../linux/kernel.ts";
import { api } from "../api.ts";
import type { Client } from "../client.ts";
import { readSpec } from "../spec/read-spec.ts";
import type { Container } from "../tasks.ts";
import { findHeld, GOING, type HeldVolume, removeBelow, removeHeld } from "./hold.ts";
import { DATA, listVolumes, noVolume, type Volume, volumesDirectory } from "./volume.ts";

/** The names of the volumes that a container mounts. */
function volumesOf(container: Container, directory: string): readonly string[] {
  const mounts: unknown = readSpec(container)?.mounts;
  if (!Array.isArray(mounts)) return [];
  return mounts.flatMap((mount: { readonly source?: unknown } | null) => {
    const source = mount?.source;
    if (typeof source !== "string" || !source.startsWith(`${directory}/`)) return [];
    const [name = "", data] = source.slice(directory.length + 1).split("/");
    return data === DATA ? [name] : [];
  });
}

/** By volume the containers that mount it, whether they run or not. @throws {ContainerError} */
export async function usersOfVolumes(
  client: Client,
  directory: string,
): Promise<ReadonlyMap<string, readonly string[]>> {
  const { containers } = await client.call(api.containers.list, {});
  const pairs = containers.flatMap((each) => volumesOf(each, directory).map((name) => ({ name, id: each.id })));
  const users = new Map<string, string[]>();
  for (const { name, id } of pairs) users.set(name, [...new Set([...(users.get(name) ?? []), id])].toSorted());
  return users;
}

/** Removes a volume that no container mounts. @throws {ContainerError} not_found, failed_precondition */
export async function removeVolume(kernel: Kernel, client: Client, name: string): Promise<void> {
  const directory = await volumesDirectory(client);
  using held = await findHeld(kernel, directory, name);
  if (held === undefined) throw noVolume(name, client);
  const users = (await usersOfVolumes(client, directory)).get(name) ?? [];
  if (users.length === 0) return await removeHeld(kernel, directory, held);
  const whose = `${users.length === 1 ? "container" : "containers"} ${users.join(", ")}`;
  throw new ContainerError(
    "failed_precondition",
    `cannot remove volume ${name}: ${whose} would lose it; remove ${users.length === 1 ? "that" : "those"} first`,
  );
}

/** Removes the volumes of a list that no container mounts, and what a removal has left that was killed. Gives their names. */
export async function pruneVolumes(
  kernel: Kernel,
  client: Client,
  isWanted: (volume: Volume) => boolean,
): Promise<readonly string[]> {
  const directory = await volumesDirectory(client);
  const held: HeldVolume[] = [];
  try {
    for (const { name } of await unusedVolumes(kernel, client, isWanted)) {
      const each = await findHeld(kernel, directory, name);
      if (each !== undefined) held.push(each);
    }
    // Now that nobody else can take one of them.
    const users = await usersOfVolumes(client, directory);
    const unused = held.filter(({ volume }) => !users.has(volume.name));
    for (const each of unused) await removeHeld(kernel, directory, each);
    for (const name of leftovers(kernel, directory)) await removeBelow(kernel, directory, name);
    return unused.map(({ volume }) => volume.name);
  } finally {
    for (const each of held) each[Symbol.dispose]();
  }
}

function leftovers(kernel: Kernel, directory: string): readonly string[] {
  return listDirectory(kernel, directory).flatMap(({ name }) => (name.startsWith(GOING) ? [name] : []));
}

/** The volumes that no container mounts now. */
export async function unusedVolumes(
  kernel: Kernel,
  client: Client,
  isWanted: (volume: Volume) => boolean,
): Promise<readonly Volume[]> {
  const directory = await volumesDirectory(client);
  const users = await usersOfVolumes(client, directory);
  return listVolumes(kernel, directory).filter((volume) => !users.has(volume.name) && isWanted(volume));
}

/** Removes the volumes without a name of their own that a container had, which is gone; those that others mount stay. */
export async function removeAnonymousVolumes(kernel: Kernel, client: Client, container: Container): Promise<void> {
  const directory = await volumesDirectory(client);
  const names = new Set(volumesOf(container, directory));
  if (names.size === 0) return;
  await pruneVolumes(kernel, client, ({ name, isAnonymous }) => isAnonymous && names.has(name));
}
