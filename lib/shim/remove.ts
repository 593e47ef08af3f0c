import { containerd } from "../../proto/gen/shim.js";
import { exists, removeFile } from "../linux/files.ts";
import type { Kernel } from "../linux/kernel.ts";
import { isListening } from "../linux/socket.ts";
import { deleteContainer } from "../runtime/delete.ts";
import { readOptions, stateRoot } from "./options.ts";
import { unmountRootfs } from "./rootfs.ts";
import { groupOf, socketPath } from "./socket.ts";
import { toTimestamp } from "./timestamp.ts";

/** What a container looks like that was killed. */
const KILLED = 137;

/** The container whose shim has gone. */
export interface LostTask {
  readonly id: string;
  readonly namespace: string;
  /** containerd's address. */
  readonly address: string;
  /** Absolute path. */
  readonly bundle: string;
  warn(message: string): void;
}

/**
 * Removes whatever a shim has left of a container, and gives the answer that containerd wants: a DeleteResponse. It is
 * called after every orderly end, too, when there is nothing left. Idempotent. @throws {ContainerError}
 */
export async function removeTask(kernel: Kernel, lost: LostTask): Promise<Uint8Array> {
  const { id, namespace, bundle, warn } = lost;
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
  removeStaleSocket(kernel, lost);
  return containerd.task.v2.DeleteResponse.encode({
    exitStatus: KILLED,
    exitedAt: toTimestamp(Date.now()),
  }).finish();
}

/** The socket of a shim that was killed; that of a group's, which lives, stays. */
function removeStaleSocket(kernel: Kernel, { id, namespace, address, bundle }: LostTask): void {
  // Without a config nobody can tell whose the socket was.
  if (!exists(kernel, `${bundle}/config.json`)) return;
  const path = socketPath({ address, namespace, id: groupOf(kernel, bundle, id) });
  if (exists(kernel, path) && !isListening(kernel, path)) removeFile(kernel, path);
}
