import { containerd } from "../../proto/gen/shim.js";
import { ContainerError } from "../errors.ts";
import { exists, findText, removeFile } from "../linux/files.ts";
import type { Kernel } from "../linux/kernel.ts";
import { deleteContainer } from "../runtime/delete.ts";
import { readOptions, stateRoot } from "./options.ts";
import { unmountRootfs } from "./rootfs.ts";
import { isServed } from "./socket.ts";
import { toTimestamp } from "./timestamp.ts";

/** What a container looks like that was killed. */
const KILLED = 137;

/** The container whose shim has gone. */
export interface LostTask {
  readonly id: string;
  readonly namespace: string;
  /** Absolute path. */
  readonly bundle: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
  warn(message: string): void;
}

/**
 * Removes whatever a shim has left of a container, and gives the answer that containerd wants: a DeleteResponse. It is
 * called after every orderly end, too, when there is nothing left. Idempotent. @throws {ContainerError}
 */
export async function removeTask(kernel: Kernel, lost: LostTask): Promise<Uint8Array> {
  const { namespace, bundle } = lost;
  const task = readOptions(kernel, bundle);
  const root = stateRoot(task, namespace);
  if (task.binaryName === "") await removeOwn(kernel, lost, { root, systemdCgroup: task.systemdCgroup });
  else await removeWithBinary(task.binaryName, root, lost);
  unmountRootfs(kernel, bundle);
  removeStaleSocket(kernel, bundle);
  return containerd.task.v2.DeleteResponse.encode({
    exitStatus: KILLED,
    exitedAt: toTimestamp(Date.now()),
  }).finish();
}

/** The socket of a shim that was killed; that of a group's, which lives, stays. */
function removeStaleSocket(kernel: Kernel, bundle: string): void {
  const path = findText(kernel, `${bundle}/address`)?.replace(/^unix:\/\//, "") ?? "";
  if (path.startsWith("/") && exists(kernel, path) && !isServed(kernel, path)) removeFile(kernel, path);
}

async function removeOwn(
  kernel: Kernel,
  { id, warn }: LostTask,
  { root, systemdCgroup }: { readonly root: string; readonly systemdCgroup: boolean },
): Promise<void> {
  const options = { kernel, root, systemdCgroup, rootless: "auto", debug: () => undefined, warn } as const;
  await deleteContainer(options, id, { force: true });
}

async function removeWithBinary(binaryName: string, root: string, { id, environment }: LostTask): Promise<void> {
  const { runProgram } = await import("./program.ts");
  const { status, stderr } = await runProgram(
    [binaryName, "--root", root, "delete", "--force", id],
    environment["PATH"],
  );
  if (status !== 0) throw new ContainerError("internal", `cannot delete ${id} with ${binaryName}: ${stderr.trim()}`);
}
