import { FILESYSTEM_MAGIC } from "../constants/files.ts";
import { filesystemOf, isDirectory, listDirectory, readText } from "../files.ts";
import type { Kernel } from "../kernel.ts";

const MOUNT_POINT = "/sys/fs/cgroup";
const UNIFIED = "/sys/fs/cgroup/unified";

/** One mounted hierarchy of cgroup v1, or the v2 one of a hybrid set-up (which has no controllers). */
export interface MountedHierarchy {
  readonly controllers: readonly string[];
  readonly mountPoint: string;
  /** The cgroup of this process: absolute path, below `mountPoint`. */
  readonly ownDirectory: string;
}

/** cgroups(7): which of the three set-ups this host has. */
export type MountedCgroups =
  | { readonly mode: "v2"; readonly unified: MountedHierarchy }
  | {
      readonly mode: "v1";
      readonly hierarchies: readonly MountedHierarchy[];
      readonly unified: MountedHierarchy | undefined;
    };

/** Looks at /sys/fs/cgroup and at /proc/self/cgroup; reads the mount table only in a container without its own namespace. */
export function detectCgroups(kernel: Kernel): MountedCgroups {
  const own = parseProcCgroup(readText(kernel, "/proc/self/cgroup"));
  if (filesystemOf(kernel, MOUNT_POINT) === FILESYSTEM_MAGIC.CGROUP2_SUPER_MAGIC) {
    const controllers = readText(kernel, `${MOUNT_POINT}/cgroup.controllers`).trim().split(" ");
    const path = own.find((entry) => entry.controllers.length === 0)?.path ?? "/";
    const known = controllers.filter((controller) => controller !== "");
    return {
      mode: "v2",
      unified: { controllers: known, mountPoint: MOUNT_POINT, ownDirectory: below(kernel, MOUNT_POINT, path) },
    };
  }
  const mounted = new Set(listDirectory(kernel, MOUNT_POINT).map(({ name }) => name));
  // /proc/self/cgroup has the youngest first; in the order of their mounts they are what runc shows a container.
  const hierarchies = own
    .toReversed()
    .filter(({ controllers }) => controllers.length > 0 && mounted.has(directoryName(controllers)))
    .map(({ controllers, path }): MountedHierarchy => {
      const mountPoint = `${MOUNT_POINT}/${directoryName(controllers)}`;
      return { controllers, mountPoint, ownDirectory: below(kernel, mountPoint, path) };
    });
  const unifiedPath = own.find(({ controllers }) => controllers.length === 0)?.path;
  const isMounted = mounted.has("unified") && filesystemOf(kernel, UNIFIED) === FILESYSTEM_MAGIC.CGROUP2_SUPER_MAGIC;
  const hasUnified = unifiedPath !== undefined && isMounted;
  return {
    mode: "v1",
    hierarchies,
    unified: hasUnified
      ? { controllers: [], mountPoint: UNIFIED, ownDirectory: below(kernel, UNIFIED, unifiedPath) }
      : undefined,
  };
}

interface ProcCgroup {
  readonly controllers: readonly string[];
  readonly path: string;
}

/** cgroups(7): lines `id:controllers:path` of /proc/PID/cgroup; the v2 line has no controllers. */
export function parseProcCgroup(text: string): readonly ProcCgroup[] {
  return text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => {
      const [, controllers = "", ...path] = line.split(":");
      return { controllers: controllers === "" ? [] : controllers.split(","), path: path.join(":") };
    });
}

/** The name of a hierarchy's directory: a named one is called by its name, others by all their controllers. */
function directoryName(controllers: readonly string[]): string {
  return controllers.join(",").replace(/^name=/, "");
}

/** What /proc names from the hierarchy's root, below what is mounted here, which in a container may be less. */
function below(kernel: Kernel, mountPoint: string, path: string): string {
  const root = path === "/" || path === "" ? "/" : mountRoot(kernel, mountPoint, path);
  if (root !== "/" && (path === root || path.startsWith(`${root}/`))) return `${mountPoint}${path.slice(root.length)}`;
  return path === "/" ? mountPoint : `${mountPoint}${path}`;
}

/** proc_pid_mountinfo(5): the fourth field is the part of the filesystem that is mounted. */
function mountRoot(kernel: Kernel, mountPoint: string, path: string): string {
  if (isDirectory(kernel, `${mountPoint}${path}`)) return "/";
  const line = readText(kernel, "/proc/self/mountinfo")
    .split("\n")
    .findLast((entry) => entry.split(" ")[4] === mountPoint);
  return line?.split(" ")[3] ?? "/";
}
