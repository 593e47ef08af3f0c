import { pointerTo } from "../json-pointer.ts";
import { PROPAGATION } from "../linux/constants/mounts.ts";
import type { IdMapping, Linux, LinuxNamespace, StringMap } from "../spec/config.ts";
import { cloneTree, ROOT, setAttributes } from "./calls.ts";
import { compileGroups } from "./credentials.ts";
import { deviceRegister, type PlannedDevice } from "./devices.ts";
import type { Host, Request } from "./host.ts";
import { IdmapNamespaces } from "./idmap.ts";
import { type PlannedMount, sourcePath, sourceRegister } from "./mounts.ts";
import { groupsPolicy, isOwnId } from "./rootless.ts";
import type { Purpose, RuntimeStep, Step, Strings } from "./step.ts";

/** Whether the container has a user namespace, new or joined. */
export function hasUserNamespace(namespaces: readonly LinuxNamespace[]): boolean {
  return namespaces.some(({ type }) => type === "user");
}

/** What is opened for init. */
export interface Opening {
  readonly mounts: readonly PlannedMount[];
  readonly devices: readonly PlannedDevice[];
  readonly linux: Linux;
}

/**
 * In a user namespace init is not the host's root: what it could not open, or may not make, setup opens for it, as
 * detached copies of the rootfs, of the sources of bind mounts and of the host's devices.
 */
export function openForInit({ mounts, devices, linux }: Opening, request: Request): readonly Step[] {
  const rootfs: Purpose = { doing: `open the rootfs ${request.rootfs}`, from: "/root/path", path: request.rootfs };
  return [
    ...copyOf(request.rootfs, true, ROOT, rootfs),
    ...openSources(mounts, linux, request),
    ...devices.flatMap(({ entry, purpose }, index) => copyOf(entry.path, false, deviceRegister(index), purpose)),
  ];
}

/** Detached copies of the sources of bind mounts; those that are id-mapped are so from here on. */
export function openSources(mounts: readonly PlannedMount[], linux: Linux, request: Request): readonly Step[] {
  const idmaps = new IdmapNamespaces(linux);
  return mounts.flatMap((planned) => {
    const { mount, index, options, purpose } = planned;
    if (options.bind === "none" || options.remount) return [];
    const path = sourcePath(mount, request);
    const from: Purpose = { ...purpose, from: pointerTo(purpose.from, "source"), path };
    const tree = sourceRegister(index);
    return [...copyOf(path, options.bind === "tree", tree, from), ...idmaps.compile(planned, tree)];
  });
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
 * namespace around the new one. `pid` is that of init as the runtime sees it. An ordinary user has that privilege over
 * its own id only: for others there are newuidmap(1) and newgidmap(1), and for its own group it forbids setgroups(2).
 */
export function compileMappings(linux: Linux, host: Host, pid: number | string): readonly RuntimeStep[] {
  const { uidMappings = [], gidMappings = [] } = linux;
  const { rootless } = host;
  const uids: MapFile = { file: "uid_map", from: "/linux/uidMappings", mappings: uidMappings };
  const gids: MapFile = { file: "gid_map", from: "/linux/gidMappings", mappings: gidMappings };
  if (rootless === undefined || rootless.uid === 0) return [writeMap(uids, pid), writeMap(gids, pid)];
  const { uid, gid, newuidmap = "newuidmap", newgidmap = "newgidmap" } = rootless;
  return [
    isOwnId(uidMappings, uid) ? writeMap(uids, pid) : runTool(newuidmap, uids, pid),
    ...(isOwnId(gidMappings, gid) ? [forbidGroups(pid), writeMap(gids, pid)] : [runTool(newgidmap, gids, pid)]),
  ];
}

interface MapFile {
  readonly file: "uid_map" | "gid_map";
  readonly from: string;
  readonly mappings: readonly IdMapping[];
}

function writeMap({ file, from, mappings }: MapFile, pid: number | string): RuntimeStep {
  const path = `/proc/${pid}/${file}`;
  const text = mappings.map(({ containerID, hostID, size }) => `${containerID} ${hostID} ${size}\n`).join("");
  return { call: "writeFile", args: [path, text, text.length], purpose: { doing: `map ids in ${file}`, from, path } };
}

function forbidGroups(pid: number | string): RuntimeStep {
  const path = `/proc/${pid}/setgroups`;
  const purpose: Purpose = { doing: "forbid setgroups(2) in the user namespace", from: "/linux/gidMappings", path };
  return { call: "writeFile", args: [path, "deny", 4], purpose };
}

function runTool(tool: string, { file, from, mappings }: MapFile, pid: number | string): RuntimeStep {
  const ids = mappings.flatMap(({ containerID, hostID, size }) => [containerID, hostID, size]).map(String);
  const name = tool.slice(tool.lastIndexOf("/") + 1);
  const argv: Strings = { kind: "strings", values: [name, String(pid), ...ids] };
  return {
    call: "runProgram",
    args: [tool, argv],
    purpose: { doing: `map ids in ${file} by ${name}(1)`, from, path: tool },
  };
}

/**
 * The first steps of init when it has its mappings: root of its namespace, without groups of the host. Where nobody is
 * mapped to root it becomes the first who is mapped; its capabilities do not hang on that.
 */
export function becomeRoot(linux: Linux, host: Host, annotations: StringMap | undefined): readonly Step[] {
  const uid = someId(linux.uidMappings);
  const gid = someId(linux.gidMappings);
  const who = uid === 0 ? "root" : `user ${uid}`;
  const purpose: Purpose = { doing: `become ${who} of the user namespace`, from: "/linux/namespaces" };
  return [
    { call: "setresgid", args: [gid, gid, gid], purpose },
    { call: "setresuid", args: [uid, uid, uid], purpose },
    ...compileGroups([], groupsPolicy(linux, host, annotations), purpose),
  ];
}

function someId(mappings: readonly IdMapping[] = []): number {
  if (mappings.length === 0) return 0;
  return mappings.reduce((least, { containerID }) => Math.min(least, containerID), mappings[0]?.containerID ?? 0);
}
