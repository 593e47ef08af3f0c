import { pointerTo } from "../json-pointer.ts";
import { PROPAGATION } from "../linux/constants/mounts.ts";
import type { IdMapping, Linux, LinuxNamespace } from "../spec/config.ts";
import { cloneTree, ROOT, setAttributes } from "./calls.ts";
import { deviceRegister, type PlannedDevice } from "./devices.ts";
import type { Request } from "./host.ts";
import { type PlannedMount, sourcePath, sourceRegister } from "./mounts.ts";
import type { Purpose, Step } from "./step.ts";

/** Whether the container has a user namespace, new or joined. */
export function hasUserNamespace(namespaces: readonly LinuxNamespace[]): boolean {
  return namespaces.some(({ type }) => type === "user");
}

/**
 * In a user namespace init is not the host's root: what it could not open, or may not make, setup opens for it, as
 * detached copies of the rootfs, of the sources of bind mounts and of the host's devices.
 */
export function openForInit(
  mounts: readonly PlannedMount[],
  devices: readonly PlannedDevice[],
  request: Request,
): readonly Step[] {
  const rootfs: Purpose = { doing: `open the rootfs ${request.rootfs}`, from: "/root/path", path: request.rootfs };
  return [
    ...copyOf(request.rootfs, true, ROOT, rootfs),
    ...mounts.flatMap(({ mount, index, options, purpose }) => {
      if (options.bind === "none" || options.remount) return [];
      const path = sourcePath(mount, request);
      const from: Purpose = { ...purpose, from: pointerTo(purpose.from, "source"), path };
      return copyOf(path, options.bind === "tree", sourceRegister(index), from);
    }),
    ...devices.flatMap(({ entry, purpose }, index) => copyOf(entry.path, false, deviceRegister(index), purpose)),
  ];
}

/** What is mounted in the container is not to be mounted on the host. */
function copyOf(path: string, recursive: boolean, into: string, purpose: Purpose): readonly Step[] {
  return [
    cloneTree(path, recursive, into, purpose),
    setAttributes(into, { propagation: PROPAGATION.MS_SLAVE }, recursive, purpose),
  ];
}

/**
 * user_namespaces(7): the mappings, written by the runtime while init waits, because it takes privilege over the
 * namespace around the new one. `pid` is that of init as the runtime sees it.
 */
export function compileMappings(linux: Linux, pid: number | string): readonly Step[] {
  const { uidMappings = [], gidMappings = [] } = linux;
  const write = (file: "uid_map" | "gid_map", property: string, mappings: readonly IdMapping[]): Step => {
    const path = `/proc/${pid}/${file}`;
    const text = mappings.map(({ containerID, hostID, size }) => `${containerID} ${hostID} ${size}\n`).join("");
    const purpose: Purpose = { doing: `map ids in ${file}`, from: `/linux/${property}`, path };
    return { call: "writeFile", args: [path, text, text.length], purpose };
  };
  return [write("uid_map", "uidMappings", uidMappings), write("gid_map", "gidMappings", gidMappings)];
}

/** The first steps of init when it has its mappings: root of its namespace, without groups of the host. */
export function becomeRoot(): readonly Step[] {
  const purpose: Purpose = { doing: "become root of the user namespace", from: "/linux/namespaces" };
  return [
    { call: "setresgid", args: [0, 0, 0], purpose },
    { call: "setresuid", args: [0, 0, 0], purpose },
    { call: "setgroups", args: [0, 0], purpose },
  ];
}
