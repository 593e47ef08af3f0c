import { ContainerError } from "../errors.ts";
import { detectCgroups, type MountedHierarchy } from "../linux/cgroup/detect.ts";
import { findText } from "../linux/files.ts";
import type { Kernel } from "../linux/kernel.ts";
import type { CgroupHost, Hierarchy } from "../plan/host.ts";
import { normalize } from "../plan/mounts.ts";
import type { CgroupRecord } from "./container-store.ts";

/**
 * config-linux.md § Cgroups Path: absolute below the root of each hierarchy; relative, or the id where there is none,
 * below the cgroup of this process. On v2 that is its parent: a cgroup that passes controllers on holds no processes.
 */
export function locateCgroups(kernel: Kernel, path: string, id: string): CgroupHost {
  return placeCgroups(kernel, normalize(path === "" ? id : path), path.startsWith("/"));
}

/** @param name begins with a slash */
export function placeCgroups(kernel: Kernel, name: string, isAbsolute: boolean): CgroupHost {
  const mounted = detectCgroups(kernel);
  if (mounted.mode === "v2") {
    const { mountPoint, ownDirectory, controllers } = mounted.unified;
    const parent = ownDirectory === mountPoint ? mountPoint : ownDirectory.slice(0, ownDirectory.lastIndexOf("/"));
    return { mode: "v2", mountPoint, controllers, directory: `${isAbsolute ? mountPoint : parent}${name}` };
  }
  const directoryIn = (hierarchy: MountedHierarchy) =>
    `${isAbsolute ? hierarchy.mountPoint : hierarchy.ownDirectory}${name}`;
  const hierarchies = mounted.hierarchies.map((hierarchy): Hierarchy => {
    const { controllers, mountPoint } = hierarchy;
    const directory = directoryIn(hierarchy);
    if (!controllers.includes("cpuset")) return { controllers, mountPoint, directory };
    return { controllers, mountPoint, directory, cpuset: inheritCpuset(kernel, mountPoint, directory) };
  });
  const { unified } = mounted;
  if (unified === undefined) return { mode: "v1", hierarchies };
  return { mode: "v1", hierarchies, unified: { mountPoint: unified.mountPoint, directory: directoryIn(unified) } };
}

/** The nearest directory above that has processors, and all from there to this one that have none yet. */
function inheritCpuset(kernel: Kernel, mountPoint: string, directory: string): NonNullable<Hierarchy["cpuset"]> {
  const fill: string[] = [];
  for (let at = directory; at.length >= mountPoint.length; at = at.slice(0, at.lastIndexOf("/"))) {
    const cpus = readSet(kernel, `${at}/cpuset.cpus`);
    const mems = readSet(kernel, `${at}/cpuset.mems`);
    const isEmpty = cpus === "" || mems === "";
    // What this one has may be what a container before has limited it to.
    if (!isEmpty && (at !== directory || at === mountPoint)) return { cpus, mems, fill: fill.reverse() };
    if (isEmpty) fill.push(at);
  }
  throw new ContainerError("failed_precondition", `cannot use the cpuset controller: ${mountPoint} has no processors`);
}

function readSet(kernel: Kernel, path: string): string {
  return findText(kernel, path)?.trim() ?? "";
}

/** The directories a container with this host has, for its record. */
export function recordCgroups(cgroups: CgroupHost): CgroupRecord {
  if (cgroups.mode === "v2") return { mode: "v2", directories: [cgroups.directory], freezer: cgroups.directory };
  const directories = cgroups.hierarchies.map(({ directory }) => directory);
  const freezer = cgroups.hierarchies.find(({ controllers }) => controllers.includes("freezer"))?.directory;
  const unified = cgroups.unified?.directory;
  return {
    mode: "v1",
    directories: unified === undefined ? directories : [...directories, unified],
    ...(unified === undefined ? {} : { unified }),
    ...(freezer === undefined ? {} : { freezer }),
  };
}
