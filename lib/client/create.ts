import type { containerd } from "../../proto/gen/daemon.js";
import { ContainerError } from "../errors.ts";
import type { Platform } from "../image/platforms.ts";
import type { Kernel } from "../linux/kernel.ts";
import { findLayeredText, layersOf, type SnapshotMount } from "../linux/layered-files.ts";
import type { Config, Mount, User } from "../spec/config.ts";
import { api } from "./api.ts";
import type { Client } from "./client.ts";
import type { StdioPaths } from "./fifos.ts";
import { type ImageSettings, type RunnableImage, resolveImage } from "./image.ts";
import { resolveUser } from "./spec/user.ts";
import type { ContainerVolumes } from "./volumes/fill.ts";

/** How a container is made. */
export interface Creation {
  readonly id: string;
  readonly image: string;
  readonly snapshotter: string;
  readonly runtime: string;
  /** Which of an image of several; undefined: this machine's. */
  readonly platform?: Platform | undefined;
  /** In place of the image's, as `user:group`. */
  readonly user: string | undefined;
  readonly spec: (image: ImageSettings, user: User, mounts: readonly Mount[]) => Config;
  /** Besides the image's. */
  readonly labels: Readonly<Record<string, string>>;
  /** What is mounted in it; asked with what its image says. */
  readonly mounts: (image: ImageSettings) => ContainerMounts | Promise<ContainerMounts>;
}

/** What is mounted in a container, and the volumes among that; undefined: none. */
export interface ContainerMounts {
  readonly mounts: readonly Mount[];
  readonly volumes: ContainerVolumes | undefined;
}

/** A container that was made, and how its root is mounted. */
export interface Created {
  readonly id: string;
  readonly snapshotter: string;
  readonly mounts: readonly SnapshotMount[];
  readonly volumes: ContainerVolumes | undefined;
  /** Settles when nothing is kept by the making of it any more. */
  readonly released: Promise<void>;
}

export const SPEC_TYPE = "types.containerd.io/opencontainers/runtime-spec/1/Spec";
/** What `ctr` keeps an image's signal under. */
export const STOP_SIGNAL_LABEL = "io.containerd.image.config.stop-signal";
/** How many seconds a container is given to end before it is killed. */
export const STOP_TIMEOUT_LABEL = "tsrun.dev/stop-timeout";
/** By which tsrund knows that it is to remove a container when its task has ended: `true`. */
export const REMOVAL_LABEL = "tsrun.dev/rm";
/** What is made and not yet named by a container is kept so long by whoever dies meanwhile. */
const LEASE_MS = 3_600_000;

/**
 * Makes a container of an image: a snapshot above the image's, and the record. What was made is removed again when
 * something fails. @throws {ContainerError}
 */
export async function createContainer(client: Client, kernel: Kernel, creation: Creation): Promise<Created> {
  const opening = openLease(client);
  let isDone = false;
  try {
    const [image, lease] = await Promise.all([resolveImage(client, creation.image, creation.platform), opening]);
    const made = await makeRecords(client.with({ lease }), kernel, { creation, image });
    isDone = true;
    return { id: creation.id, snapshotter: creation.snapshotter, ...made, released: closeLease(client, opening) };
  } finally {
    if (!isDone) await closeLease(client, opening);
  }
}

async function makeRecords(
  client: Client,
  kernel: Kernel,
  { creation, image }: { readonly creation: Creation; readonly image: RunnableImage },
): Promise<Pick<Created, "mounts" | "volumes">> {
  const { id, snapshotter } = creation;
  const mounts = await prepare(client, image, creation);
  try {
    const user = findUser(kernel, mounts, creation.user ?? image.settings.user);
    const own = await creation.mounts(image.settings);
    const container = describe(creation, image, creation.spec(image.settings, user, own.mounts));
    await withVolumes(kernel, mounts, own.volumes, () => client.call(api.containers.create, { container }));
    return { mounts, volumes: own.volumes };
  } catch (error) {
    await client.call(api.snapshots.remove, { snapshotter, key: id }).catch(() => undefined);
    throw error;
  }
}

/** Does work that refers to volumes while nobody can remove them. */
async function withVolumes(
  kernel: Kernel,
  mounts: readonly SnapshotMount[],
  volumes: ContainerVolumes | undefined,
  work: () => Promise<unknown>,
): Promise<void> {
  if (volumes === undefined) {
    await work();
    return;
  }
  const [{ holdVolumes }, { openMounts }] = await Promise.all([
    import("./volumes/fill.ts"),
    import("./copy/container-root.ts"),
  ]);
  using held = await holdVolumes(kernel, () => openMounts(kernel, mounts), volumes);
  try {
    await work();
  } catch (error) {
    await held.undo();
    throw error;
  }
}

async function openLease(client: Client): Promise<string> {
  const expire = new Date(Date.now() + LEASE_MS).toISOString();
  const { lease } = await client.call(api.leases.create, { labels: { "containerd.io/gc.expire": expire } });
  return lease?.id ?? "";
}

/** It ends by itself if this is lost. */
async function closeLease(client: Client, opening: Promise<string>): Promise<void> {
  try {
    await client.call(api.leases.delete, { id: await opening });
  } catch {
    // What has not been opened need not be closed.
  }
}

async function prepare(client: Client, image: RunnableImage, { id, snapshotter }: Creation) {
  try {
    const { mounts } = await client.call(api.snapshots.prepare, { snapshotter, key: id, parent: image.chainId });
    return mounts;
  } catch (error) {
    if (!(error instanceof ContainerError)) throw error;
    if (error.code === "already_exists") throw nameTaken(id, error);
    if (error.code === "not_found") throw notUnpacked(image.name, snapshotter, error);
    throw error;
  }
}

function nameTaken(id: string, cause: unknown): ContainerError {
  return new ContainerError("already_exists", `there is a container ${id}, or a snapshot of this name, already`, {
    cause,
  });
}

function notUnpacked(image: string, snapshotter: string, cause: unknown): ContainerError {
  return new ContainerError("failed_precondition", `image ${image} is not unpacked for snapshotter ${snapshotter}`, {
    cause,
  });
}

function findUser(kernel: Kernel, mounts: readonly SnapshotMount[], wanted: string): User {
  const layers = layersOf(mounts) ?? [];
  const passwd = findLayeredText(kernel, layers, "/etc/passwd");
  const group = findLayeredText(kernel, layers, "/etc/group");
  return resolveUser(wanted, { passwd, group });
}

function describe(creation: Creation, image: RunnableImage, spec: Config) {
  const { id, runtime, snapshotter, labels } = creation;
  const { stopSignal } = image.settings;
  return {
    ...{ id, image: image.name, snapshotter, snapshotKey: id, runtime: { name: runtime } },
    labels: {
      ...image.settings.labels,
      ...(stopSignal === undefined ? {} : { [STOP_SIGNAL_LABEL]: stopSignal }),
      ...labels,
    },
    spec: { typeUrl: SPEC_TYPE, value: encodeSpec(spec) },
  };
}

/** RLIM_INFINITY as JavaScript writes it, and as it is: no double is the same number. */
const INFINITY = [":18446744073709552000", ":18446744073709551615"] as const;

/** config.json as bytes. */
export function encodeSpec(spec: unknown): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(spec).replaceAll(...INFINITY));
}

/** Makes the task of a container that was just made, or has none. @throws {ContainerError} */
export async function createTask(
  client: Client,
  { id, mounts }: Pick<Created, "id" | "mounts">,
  { stdio, terminal }: { readonly stdio: StdioPaths; readonly terminal: boolean },
): Promise<number> {
  const rootfs = mounts.map(({ type, source, options }) => ({ type, source, options }));
  const { pid } = await client.call(api.tasks.create, { containerId: id, rootfs, ...stdio, terminal }, {});
  return pid;
}

export type Container = containerd.services.containers.v1.Container;

/** Removes a container and its snapshot; what is gone already is no fault. @throws {ContainerError} */
export async function removeContainer(
  client: Client,
  container: Pick<Container, "id" | "snapshotter" | "snapshotKey">,
) {
  const { id, snapshotter, snapshotKey } = container;
  const calls: Promise<unknown>[] = [client.call(api.containers.delete, { id })];
  if (snapshotKey !== "") calls.push(client.call(api.snapshots.remove, { snapshotter, key: snapshotKey }));
  await Promise.all(calls.map((call) => call.catch(unlessGone)));
}

/** For what is to be gone: that it was not there is no fault. */
export function unlessGone(error: unknown): void {
  if (error instanceof ContainerError && error.code === "not_found") return;
  throw error;
}
