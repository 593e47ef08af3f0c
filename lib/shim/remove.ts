import { containerd } from "../../proto/gen/shim.js";
import type { Kernel } from "../linux/kernel.ts";
import { deleteContainer } from "../runtime/delete.ts";
import { readOptions, stateRoot } from "./options.ts";
import { unmountRootfs } from "./rootfs.ts";
import { toTimestamp } from "./timestamp.ts";

/** What a container looks like that was killed. */
const KILLED = 137;

/** The container whose shim has gone. */
export interface LostTask {
  readonly id: string;
  readonly namespace: string;
  /** Absolute path. */
  readonly bundle: string;
  warn(message: string): void;
}

/**
 * Removes whatever a shim has left of a container, and gives the answer that containerd wants: a DeleteResponse. It is
 * called after every orderly end, too, when there is nothing left. Idempotent. @throws {ContainerError}
 */
export async function removeTask(kernel: Kernel, { id, namespace, bundle, warn }: LostTask): Promise<Uint8Array> {
  const task = readOptions(kernel, bundle);
  const options = {
    kernel,
    root: stateRoot(task, namespace),
    systemdCgroup: task.systemdCgroup,
    rootless: "auto",
    debug: () => undefined,
    warn,
  } as const;
  await deleteContainer(options, id, { force: true });
  unmountRootfs(kernel, bundle);
  return containerd.task.v2.DeleteResponse.encode({
    exitStatus: KILLED,
    exitedAt: toTimestamp(Date.now()),
  }).finish();
}
