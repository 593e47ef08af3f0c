import { existsSync, mkdirSync } from "node:fs";
import { ContainerError } from "../../errors.ts";
import type { Kernel } from "../../linux/kernel.ts";
import { changeMode } from "../../linux/tree/entries.ts";
import { openRoot } from "../../linux/tree/open.ts";
import { SnapshotDirectories } from "./directories.ts";
import type { Mount, SnapshotDriver, SnapshotPlan } from "./driver.ts";

/** Linux refuses overlay mounts of more layers (OVL_MAX_STACK). */
const MAX_LAYERS = 500;
const WORK_MODE = 0o711;
/** Where the kernel says that overlay knows the option `index`. */
const INDEX_PARAMETER = "/sys/module/overlay/parameters/index";

/**
 * overlayfs: each snapshot has the files that differ from its parents'. Nothing is mounted here: whoever needs the snapshot
 * mounts what `mounts()` says. `extraOptions` are added to overlay mounts, e.g. `volatile`.
 */
export function overlayDriver(
  kernel: Kernel,
  { root, extraOptions = [] }: { readonly root: string; readonly extraOptions?: readonly string[] },
): SnapshotDriver {
  const directories = new SnapshotDirectories(kernel, root);
  const options = [...(existsSync(INDEX_PARAMETER) ? ["index=off"] : []), ...extraOptions];
  return {
    name: "overlayfs",
    create: (plan) => Promise.resolve(createOverlay(directories, plan)),
    mounts: (plan) => overlayMounts(directories, plan, options),
    usage: (number) => directories.usage(number),
    exists: (number) => directories.exists(number),
    remove: (number) => directories.remove(number),
    list: () => directories.list(),
  };
}

function createOverlay(directories: SnapshotDirectories, { number, kind, parents }: SnapshotPlan): void {
  if (parents.length > MAX_LAYERS) {
    const why = `it would have ${parents.length} layers below it, overlayfs mounts at most ${MAX_LAYERS}`;
    throw new ContainerError("failed_precondition", `cannot make an overlayfs snapshot: ${why}`);
  }
  directories.create(number, parents[0]);
  if (kind !== "active") return;
  mkdirSync(directories.path(number, "work"), { mode: WORK_MODE });
  using directory = openRoot(directories.kernel, directories.path(number));
  changeMode(directories.kernel, directory.number, "work", WORK_MODE);
}

/** The mounts in containerd's words and order: clients compare and rewrite them. */
function overlayMounts(
  directories: SnapshotDirectories,
  { number, kind, parents }: SnapshotPlan,
  options: readonly string[],
): readonly Mount[] {
  const fs = (each: number) => directories.path(each, "fs");
  const [parent, ...others] = parents;
  if (parent === undefined) return [bind(fs(number), kind === "view" ? "ro" : "rw")];
  if (kind === "view" && others.length === 0) return [bind(fs(parent), "ro")];
  const upper = [`workdir=${directories.path(number, "work")}`, `upperdir=${fs(number)}`];
  const lower = `lowerdir=${parents.map(fs).join(":")}`;
  return [{ type: "overlay", source: "overlay", options: [...options, ...(kind === "active" ? upper : []), lower] }];
}

/** A bind mount of a directory. */
export function bind(source: string, access: "ro" | "rw"): Mount {
  return { type: "bind", source, options: [access, "rbind"] };
}
