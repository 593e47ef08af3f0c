import { ContainerError } from "../../errors.ts";
import type { Mount } from "../snapshots/driver.ts";

/** Where a layer is written, and in which form what it deletes is noted. */
export interface LayerTarget {
  readonly directory: string;
  /** `overlay`: as overlayfs wants it in an upper directory. `plain`: deleted from the directory itself. */
  readonly form: "overlay" | "plain";
  /** The directories below it, nearest first, from which directories that the layer does not name have their looks. */
  readonly parents: readonly string[];
}

/**
 * The directory behind the mounts of an active snapshot: nothing has to be mounted to unpack into it.
 * @throws {ContainerError} unimplemented, invalid_argument
 */
export function targetOf(mounts: readonly Mount[]): LayerTarget {
  const [mount, ...others] = mounts;
  if (mount === undefined || others.length > 0) {
    throw new ContainerError("unimplemented", `cannot unpack into ${mounts.length} mounts: there must be one`);
  }
  const { type, source, options } = mount;
  if (type === "bind" || type === "rbind") {
    if (options.includes("ro")) throw readOnly();
    return { directory: source, form: "plain", parents: [] };
  }
  if (type !== "overlay") throw new ContainerError("unimplemented", `cannot unpack into a mount of type ${type}`);
  const { upper, lower } = overlayLayers(mount);
  if (upper === undefined) throw readOnly();
  return { directory: upper, form: "overlay", parents: lower };
}

/** The directories of an overlay mount: the one that is written to, if any, and those below it, nearest first. */
export function overlayLayers({ options }: Mount): {
  readonly upper: string | undefined;
  readonly lower: readonly string[];
} {
  const optionOf = (name: string) => options.find((option) => option.startsWith(name))?.slice(name.length);
  return {
    upper: optionOf("upperdir="),
    lower: (optionOf("lowerdir=") ?? "").split(":").filter((path) => path !== ""),
  };
}

function readOnly(): ContainerError {
  return new ContainerError("invalid_argument", "cannot unpack into a read-only mount");
}
