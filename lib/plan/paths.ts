import { pointerTo } from "../json-pointer.ts";
import { MOUNT_ATTR } from "../linux/constants/mounts.ts";
import {
  attach,
  checkNullDevice,
  cloneFd,
  createMount,
  openContext,
  openInRoot,
  setAttributes,
  setOption,
} from "./calls.ts";
import { type Purpose, type Step, whenPossible } from "./step.ts";

/** config-linux.md § Readonly Paths; a path that is not there is passed over. */
export function compileReadonlyPaths(paths: readonly string[]): readonly Step[] {
  return paths.flatMap((path, index) => {
    const purpose: Purpose = {
      doing: `make ${path} read-only`,
      from: pointerTo("/linux/readonlyPaths", index),
      path,
    };
    return whenPossible(
      openInRoot({ path, into: "target" }, purpose),
      ["ENOENT", "ENOTDIR"],
      [
        cloneFd("target", true, "tree", purpose),
        setAttributes("tree", { set: MOUNT_ATTR.MOUNT_ATTR_RDONLY }, false, purpose),
        attach("tree", "target", purpose),
      ],
    );
  });
}

/**
 * config-linux.md § Masked Paths: files are covered with the null device, directories with an empty read-only tmpfs;
 * a path that is not there is passed over.
 */
export function compileMaskedPaths(paths: readonly string[]): readonly Step[] {
  if (paths.length === 0) return [];
  const first: Purpose = { doing: "mask paths", from: "/linux/maskedPaths", path: "/dev/null" };
  return [
    openInRoot({ path: "/dev/null", into: "null" }, first),
    checkNullDevice("null", first),
    ...paths.flatMap((path, index) => maskPath(path, pointerTo("/linux/maskedPaths", index))),
  ];
}

function maskPath(path: string, from: string): readonly Step[] {
  const purpose: Purpose = { doing: `mask ${path}`, from, path };
  const emptyDirectory = [
    openContext("tmpfs", purpose),
    setOption("source", "tmpfs", purpose),
    // Room for the root alone: nobody keeps anything in what is meant to be empty.
    setOption("nr_blocks", "1", purpose),
    setOption("nr_inodes", "1", purpose),
    setOption("ro", undefined, purpose),
    ...createMount(MOUNT_ATTR.MOUNT_ATTR_RDONLY, "tree", purpose),
    attach("tree", "target", purpose),
  ];
  // The kernel tells files from directories: a device cannot be attached to a directory.
  const overFile: Step = {
    ...attach("tree", "target", purpose),
    tolerated: ["ENOTDIR", "EINVAL"],
    skip: emptyDirectory.length,
  };
  return whenPossible(
    openInRoot({ path, into: "target" }, purpose),
    ["ENOENT", "ENOTDIR"],
    [cloneFd("null", false, "tree", purpose), overFile, ...emptyDirectory],
  );
}
