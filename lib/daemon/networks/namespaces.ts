import { readdirSync, readFileSync, rmSync } from "node:fs";
import { ContainerError } from "../../errors.ts";
import { filesystemOf } from "../../linux/files.ts";
import type { Kernel } from "../../linux/kernel.ts";
import { unmountAll } from "../../linux/mount.ts";
import { NSFS_MAGIC } from "../../linux/network-namespace.ts";
import { hasErrno } from "../errno.ts";

/** The name by which this executable makes a namespace and ends. */
export const PIN_NAME = "tsrund-netns";
/** In the environment of all that is started for networks: the directory of the daemon that did it. */
export const MARK = "TSRUND_NETWORKS";

const PIN_MS = 10_000;

/**
 * Makes a network namespace, kept at a path. Another process does it: a thread of this one would have to come back.
 * @throws {ContainerError}
 */
export async function pinNamespace(program: string, path: string, mark: string): Promise<void> {
  const child = Bun.spawn({
    ...{ cmd: [program, path], argv0: PIN_NAME, env: { [MARK]: mark }, cwd: "/", detached: true },
    ...{ stdin: "ignore", stdout: "ignore", stderr: "pipe" },
  });
  const timer = setTimeout(() => child.kill("SIGKILL"), PIN_MS);
  const [why, status] = await Promise.all([child.stderr.text(), child.exited]);
  clearTimeout(timer);
  if (status === 0) return;
  throw new ContainerError("internal", `cannot make a network namespace: ${why.trim() || `status ${status}`}`);
}

/** Whether a namespace is kept at a path. */
export function isPinned(kernel: Kernel, path: string): boolean {
  try {
    return filesystemOf(kernel, path) === NSFS_MAGIC;
  } catch {
    return false;
  }
}

/** Lets go of a namespace: it ends with the last process in it. @throws {ContainerError} */
export function unpinNamespace(kernel: Kernel, path: string): void {
  unmountAll(kernel, path);
  rmSync(path, { force: true });
}

const END_MS = 10_000;
const LOOK_MS = 5;

/**
 * Ends what a daemon before this one has started for networks, and waits until it is gone: it must not add any more.
 * @throws {ContainerError} deadline_exceeded
 */
export async function endStrays(mark: string): Promise<void> {
  const wanted = `${MARK}=${mark}`;
  const deadline = performance.now() + END_MS;
  for (;;) {
    // What has ended has no environment, though it be a zombie.
    const strays = readdirSync("/proc").filter((name) => /^\d+$/.test(name) && environmentOf(name).includes(wanted));
    if (strays.length === 0) return;
    if (performance.now() > deadline) {
      throw new ContainerError("deadline_exceeded", `cannot end plugins of networks: ${strays.join(", ")} do not end`);
    }
    for (const pid of strays.map(Number)) killIfThere(pid);
    await Bun.sleep(LOOK_MS);
  }
}

function killIfThere(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch (error) {
    if (!hasErrno(error, "ESRCH")) throw error;
  }
}

function environmentOf(pid: string): readonly string[] {
  try {
    return readFileSync(`/proc/${pid}/environ`, "utf8").split("\0");
  } catch {
    return [];
  }
}
