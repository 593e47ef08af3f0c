import { detectCgroups } from "../linux/cgroup/detect.ts";
import { AT, AT_FDCWD, FILE_TYPE } from "../linux/constants/files.ts";
import { exists, findStatus, findText } from "../linux/files.ts";
import type { Kernel } from "../linux/kernel.ts";
import { isInUserNamespace } from "../linux/user-namespace.ts";
import type { CgroupHost, Host, Rootless } from "../plan/host.ts";

/** What the runtime lacks; undefined for the host's root. */
export function findRootless(kernel: Kernel, searchPath: string): Rootless | undefined {
  const uid = kernel.call("geteuid");
  if (uid === 0 && !isInUserNamespace(kernel)) return undefined;
  const gid = kernel.call("getegid");
  if (uid === 0) return { uid, gid };
  const newuidmap = findProgram(kernel, searchPath, "newuidmap");
  const newgidmap = findProgram(kernel, searchPath, "newgidmap");
  return {
    uid,
    gid,
    ...(newuidmap === undefined ? {} : { newuidmap }),
    ...(newgidmap === undefined ? {} : { newgidmap }),
  };
}

/** proc_pid_setgroups(5): what the user namespace of a process, or of this one, says to setgroups(2). */
export function readSetgroups(kernel: Kernel, pid: number | "self"): "allow" | "deny" {
  return findText(kernel, `/proc/${pid}/setgroups`)?.trim() === "deny" ? "deny" : "allow";
}

const X_OK = 1;
const W_OK = 2;

/** As runc: the first of PATH that can be executed; a directory that is not absolute is passed over. */
function findProgram(kernel: Kernel, searchPath: string, name: string): string | undefined {
  return searchPath
    .split(":")
    .filter((directory) => directory.startsWith("/"))
    .map((directory) => `${directory.replace(/\/+$/, "")}/${name}`)
    .find((path) => findStatus(kernel, path)?.type === FILE_TYPE.S_IFREG && mayAccess(kernel, path, X_OK));
}

function mayAccess(kernel: Kernel, path: string, mode: number): boolean {
  return kernel.call("faccessat2", AT_FDCWD, path, mode, AT.AT_EACCESS) >= 0;
}

/**
 * The cgroups that this user may make: where it is asked for none by path, a container goes without those that it may
 * not. It then stays where the runtime is, and that is what it is shown.
 */
export function withoutDenied(kernel: Kernel, cgroups: CgroupHost): Pick<Host, "cgroups" | "cgroupView"> {
  if (cgroups.mode === "v2") {
    if (mayMake(kernel, cgroups.directory)) return { cgroups };
    const own = detectCgroups(kernel);
    const directory = own.mode === "v2" ? own.unified.ownDirectory : cgroups.mountPoint;
    const cgroupView = { ...cgroups, directory };
    return { cgroups: { mode: "v1", hierarchies: [], denied: [cgroups.directory] }, cgroupView };
  }
  const { unified, hierarchies } = cgroups;
  const open = hierarchies.filter(({ directory }) => mayMake(kernel, directory));
  const hasUnified = unified !== undefined && mayMake(kernel, unified.directory);
  if (open.length === hierarchies.length && (hasUnified || unified === undefined)) return { cgroups };
  const denied = hierarchies.filter((hierarchy) => !open.includes(hierarchy)).map(({ directory }) => directory);
  return {
    cgroups: { mode: "v1", hierarchies: open, denied, ...(hasUnified ? { unified } : {}) },
    cgroupView: {
      mode: "v1",
      hierarchies: hierarchies.map((hierarchy) =>
        open.includes(hierarchy) ? hierarchy : { ...hierarchy, directory: parentOf(hierarchy.directory) },
      ),
    },
  };
}

/** cgroups(7), delegation: making a directory takes its parent, and going there the parent's cgroup.procs. */
function mayMake(kernel: Kernel, directory: string): boolean {
  let at = directory;
  while (at !== "" && !exists(kernel, at)) at = parentOf(at);
  return mayAccess(kernel, at, W_OK) && mayAccess(kernel, `${at}/cgroup.procs`, W_OK);
}

function parentOf(path: string): string {
  return path.slice(0, path.lastIndexOf("/"));
}
