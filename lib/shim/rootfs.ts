import { makeDirectories } from "../linux/files.ts";
import type { Kernel } from "../linux/kernel.ts";
import { mount, unmountAll } from "../linux/mount.ts";
import type { Machine } from "./machine.ts";

/** types.proto, Mount */
export interface RootfsMount {
  readonly type: string;
  readonly source: string;
  readonly target: string;
  readonly options: readonly string[];
}

/** containerd's own options, which no filesystem knows. */
const IDMAP = /^[ug]idmap=/;

/** The directory that a snapshot is mounted on. */
export function rootfsOf(bundle: string): string {
  return `${bundle}/rootfs`;
}

/** Mounts what a snapshotter gives, in its order; what was mounted before one that fails is unmounted again. */
export async function mountRootfs(
  machine: Pick<Machine, "kernel" | "waits">,
  bundle: string,
  mounts: readonly RootfsMount[],
): Promise<void> {
  if (mounts.length === 0) return;
  const { kernel } = machine;
  const rootfs = rootfsOf(bundle);
  makeDirectories(kernel, rootfs, 0o711);
  try {
    for (const request of mounts) {
      const target = targetIn(rootfs, request.target);
      if (!request.options.some((option) => IDMAP.test(option))) mount(kernel, request, target);
      else await (await import("../runtime/mount-idmapped.ts")).mountIdmapped(machine, request, target);
    }
  } catch (error) {
    unmountRootfs(kernel, bundle, mounts);
    throw error;
  }
}

/** Unmounts what mountRootfs() has mounted. Idempotent. */
export function unmountRootfs(kernel: Kernel, bundle: string, mounts: readonly RootfsMount[] = []): void {
  for (const { target } of mounts.toReversed()) unmountAll(kernel, targetIn(rootfsOf(bundle), target));
  unmountAll(kernel, rootfsOf(bundle));
}

function targetIn(rootfs: string, target: string): string {
  return target === "" || target === "/" ? rootfs : `${rootfs}/${target.replace(/^\/+/, "")}`;
}
