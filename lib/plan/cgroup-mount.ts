import { FSCONFIG, FSMOUNT, MOUNT_ATTR, PROPAGATION } from "../linux/constants/mounts.ts";
import { attach, cloneTree, createMount, openContext, openInRoot, setAttributes, setOption } from "./calls.ts";
import type { CgroupV1Host, CgroupV2Host, Hierarchy, Host } from "./host.ts";
import type { PlannedMount } from "./mounts.ts";
import { flags, type Purpose, register, type Step } from "./step.ts";

/** A mount of type `cgroup`: what /sys/fs/cgroup is on this host, cut down to the container. */
export function compileCgroupMount(planned: PlannedMount, host: Host, ownNamespace: boolean): readonly Step[] {
  const shown = host.cgroupView ?? host.cgroups;
  return shown.mode === "v2" ? compileV2(planned, shown, ownNamespace) : compileV1(planned, shown, ownNamespace);
}

/**
 * cgroup2, or where the kernel refuses a mount of it (in a user namespace without a cgroup namespace of its own) a
 * bind of what the host has; with a cgroup namespace of the container's directory alone.
 */
function compileV2({ destination, options, purpose }: PlannedMount, host: CgroupV2Host, own: boolean): readonly Step[] {
  const fallback = [
    cloneTree(own ? host.directory : host.mountPoint, false, "tree", purpose),
    setAttributes("tree", { set: options.set }, false, purpose),
  ];
  const context = register("context");
  const create = flags(FSCONFIG.FSCONFIG_CMD_CREATE, FSCONFIG);
  const cloexec = flags(FSMOUNT.FSMOUNT_CLOEXEC, FSMOUNT);
  const attributes = flags(options.set, MOUNT_ATTR);
  return [
    openInRoot({ path: destination, into: "target", make: "directory" }, purpose),
    openContext("cgroup2", purpose),
    setOption("source", "cgroup", purpose),
    { call: "fsconfig", args: [context, create, 0, 0, 0], tolerated: ["EPERM", "EBUSY"], otherwise: 1, purpose },
    {
      call: "fsmount",
      args: [context, cloexec, attributes],
      into: "tree",
      tolerated: ["EPERM", "EBUSY"],
      skip: fallback.length,
      purpose,
    },
    ...fallback,
    attach("tree", "target", purpose),
  ];
}

/** Whatever the options say of the hierarchies. */
const TMPFS_ATTRIBUTES = MOUNT_ATTR.MOUNT_ATTR_NOSUID | MOUNT_ATTR.MOUNT_ATTR_NODEV | MOUNT_ATTR.MOUNT_ATTR_NOEXEC;

/** A tmpfs with a directory for each hierarchy, as runc has it; on hybrid hosts the v2 one stays out, as there. */
function compileV1(planned: PlannedMount, host: CgroupV1Host, ownNamespace: boolean): readonly Step[] {
  const { destination, purpose, options } = planned;
  return [
    openContext("tmpfs", purpose),
    setOption("source", "tmpfs", purpose),
    setOption("mode", "755", purpose),
    ...createMount(TMPFS_ATTRIBUTES, "cgroups", purpose),
    openInRoot({ path: destination, into: "target", make: "directory" }, purpose),
    attach("cgroups", "target", purpose),
    ...host.hierarchies.flatMap((hierarchy) => compileHierarchy(hierarchy, options.set, ownNamespace, purpose)),
  ];
}

function compileHierarchy(hierarchy: Hierarchy, set: number, ownNamespace: boolean, purpose: Purpose): readonly Step[] {
  const name = baseName(hierarchy.mountPoint);
  const tree = ownNamespace
    ? freshHierarchy(hierarchy, set, purpose)
    : [cloneTree(hierarchy.directory, true, "tree", purpose), setAttributes("tree", bindChange(set), false, purpose)];
  const links = hierarchy.controllers.length > 1 ? hierarchy.controllers : [];
  return [
    openInRoot({ root: "cgroups", path: name, into: "target", make: "directory" }, purpose),
    ...tree,
    attach("tree", "target", purpose),
    ...links.map((link): Step => ({ call: "symlinkat", args: [name, register("cgroups"), link], purpose })),
  ];
}

/** The host's mount may be shared; its copy in the container is not to pass mounts on. */
function bindChange(set: number) {
  return { set, propagation: PROPAGATION.MS_PRIVATE };
}

function freshHierarchy(hierarchy: Hierarchy, set: number, purpose: Purpose): readonly Step[] {
  const named = hierarchy.controllers[0]?.startsWith("name=")
    ? hierarchy.controllers[0].slice("name=".length)
    : undefined;
  const options =
    named === undefined
      ? hierarchy.controllers.map((controller) => setOption(controller, undefined, purpose))
      : [setOption("none", undefined, purpose), setOption("name", named, purpose)];
  return [
    openContext("cgroup", purpose),
    setOption("source", named ?? "cgroup", purpose),
    ...options,
    ...createMount(set, "tree", purpose),
  ];
}

function baseName(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}
