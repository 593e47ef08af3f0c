import { ContainerError } from "../../errors.ts";
import { makeDirectories, removeEmptyDirectory } from "../../linux/files.ts";
import type { Kernel } from "../../linux/kernel.ts";
import { enterOwnMounts, mount, unmountAll } from "../../linux/mount.ts";
import { openRoot } from "../../linux/tree/open.ts";
import { api } from "../api.ts";
import type { Client } from "../client.ts";
import { isNotFound } from "../images/content.ts";
import { DEFAULT_SNAPSHOTTER } from "../images/snapshots.ts";
import { type Container, type ContainerStatus, statusOf } from "../tasks.ts";

const RUNS: ReadonlySet<ContainerStatus> = new Set(["created", "running", "paused"]);
const PLACE = "/run/tsctr/mounts";

/** A directory that is open, until it is disposed of. */
export interface ContainerRoot extends Disposable {
  readonly number: number;
}

/**
 * The root directory of a container: of one that runs as its first process sees it, volumes and all, else its snapshot,
 * which only this process has mounted. @throws {ContainerError}
 */
export async function openContainerRoot(kernel: Kernel, client: Client, container: Container): Promise<ContainerRoot> {
  const pid = await findPid(client, container.id);
  if (pid !== undefined) {
    const root = openRoot(kernel, `/proc/${pid}/root`);
    // It is still the same process, and not one that was given its number.
    if ((await findPid(client, container.id)) === pid) return root;
    root.close();
  }
  const { snapshotKey: key } = container;
  if (key === "") {
    throw new ContainerError("failed_precondition", `cannot open the root of ${container.id}: it has no snapshot`);
  }
  const snapshotter = container.snapshotter || DEFAULT_SNAPSHOTTER;
  const { mounts } = await client.call(api.snapshots.mounts, { snapshotter, key });
  return openMounts(kernel, mounts);
}

async function findPid(client: Client, containerId: string): Promise<number | undefined> {
  try {
    const { process } = await client.call(api.tasks.get, { containerId });
    return process !== null && process.pid > 0 && RUNS.has(statusOf(process)) ? process.pid : undefined;
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}

type Mounts = readonly { readonly type: string; readonly source: string; readonly options: readonly string[] }[];

/** A snapshot, mounted in a mount namespace of this process alone: when the process ends, however it does, nothing stays mounted. */
export function openMounts(kernel: Kernel, mounts: Mounts): ContainerRoot {
  enterOwnMounts(kernel);
  const place = `${PLACE}/${crypto.randomUUID()}`;
  makeDirectories(kernel, place, 0o700);
  const leave = () => {
    unmountAll(kernel, place);
    removeEmptyDirectory(kernel, place);
  };
  try {
    for (const each of mounts) mount(kernel, each, place);
    const root = openRoot(kernel, place);
    const close = () => {
      root.close();
      leave();
    };
    return { number: root.number, [Symbol.dispose]: close };
  } catch (error) {
    leave();
    throw error;
  }
}
