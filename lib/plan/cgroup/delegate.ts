import { MOUNT_ATTR } from "../../linux/constants/mounts.ts";
import type { Config, IdMapping } from "../../spec/config.ts";
import { fdcwd } from "../calls.ts";
import type { Host } from "../host.ts";
import { planMounts } from "../mounts.ts";
import { hasOwn } from "../namespaces.ts";
import type { Purpose, Step } from "../step.ts";

/** cgroups(7), /sys/kernel/cgroup/delegate: the files where a kernel does not list them. */
const DELEGATED = ["cgroup.procs", "cgroup.subtree_control", "cgroup.threads"];
const UINT32_MAX = 0xffff_ffff;

/**
 * config-linux.md § Cgroup ownership: the host's id of the process's user, who becomes the owner of a container's cgroup
 * that it sees alone (a cgroup namespace of its own) and may write to (a writable mount of it). Undefined for a
 * container that is given no cgroup, or to nobody else than the host's root.
 */
export function cgroupOwner({ process, mounts = [], linux = {} }: Config): number | undefined {
  const namespaces = linux.namespaces ?? [];
  const isWritable = planMounts(mounts).some(
    ({ mount, destination, options }) =>
      destination === "/sys/fs/cgroup" &&
      mount.type?.startsWith("cgroup") === true &&
      ((options.set | options.recursiveSet) & MOUNT_ATTR.MOUNT_ATTR_RDONLY) === 0,
  );
  if (!hasOwn(namespaces, "cgroup") || !isWritable) return undefined;
  const uid = process?.user?.uid ?? 0;
  const isMapped = namespaces.some(({ type }) => type === "user");
  const owner = isMapped ? toHost(uid, linux.uidMappings ?? []) : uid;
  return owner === 0 ? undefined : owner;
}

/** Undefined for an id that the namespace does not have. */
function toHost(uid: number, mappings: readonly IdMapping[]): number | undefined {
  const mapping = mappings.find(({ containerID, size }) => uid >= containerID && uid < containerID + size);
  return mapping === undefined ? undefined : mapping.hostID + uid - mapping.containerID;
}

/** chown(2) of the container's v2 cgroup, and of the files in it that are its owner's; never of those with limits. */
export function compileDelegation(config: Config, { cgroups }: Host): readonly Step[] {
  const owner = cgroupOwner(config);
  if (cgroups.mode === "v1" || owner === undefined) return [];
  const { directory, delegated = DELEGATED } = cgroups;
  const purpose: Purpose = {
    doing: `give cgroup ${directory} to user ${owner}`,
    from: "/process/user/uid",
    path: directory,
  };
  const give = (path: string): Step => ({ call: "fchownat", args: [fdcwd(), path, owner, UINT32_MAX, 0], purpose });
  return [
    give(directory),
    ...delegated.map((file): Step => ({ ...give(`${directory}/${file}`), tolerated: ["ENOENT"] })),
  ];
}
