import { ContainerError } from "../errors.ts";
import { propertyPath } from "../json-pointer.ts";
import type { Config, IdMapping, Linux, StringMap } from "../spec/config.ts";
import type { GroupsPolicy } from "./credentials.ts";
import { type Host, isOrdinaryUser, type Rootless } from "./host.ts";
import { isIdmapped } from "./idmap.ts";
import { planMounts } from "./mounts.ts";
import { hasOwn } from "./namespaces.ts";

/** user_namespaces(7): what an ordinary user may write without newuidmap(1): one line, for its own id. */
export function isOwnId(mappings: readonly IdMapping[], id: number): boolean {
  const [mapping] = mappings;
  return mappings.length === 1 && mapping?.hostID === id && mapping.size === 1;
}

/**
 * Whether setgroups(2) is allowed in the container's user namespace. It is not where an ordinary user maps its own
 * group, which it may do only after it has forbidden it; of a namespace that is joined nobody knows.
 */
export function groupsPolicy(
  { namespaces = [], gidMappings = [] }: Linux,
  host: Host,
  annotations: StringMap | undefined,
): GroupsPolicy {
  if (host.setgroups === "deny") return "denied";
  if (hasOwn(namespaces, "user")) {
    const isOwn = host.rootless !== undefined && isOrdinaryUser(host) && isOwnId(gidMappings, host.rootless.gid);
    if (isOwn) return "denied";
    return keepsGroups(annotations) ? "kept" : "allowed";
  }
  if (keepsGroups(annotations)) return "kept";
  return namespaces.some(({ type }) => type === "user") ? "unknown" : "allowed";
}

/** crun's annotation: "1" leaves the caller's supplementary groups, where `additionalGids` would replace them. */
function keepsGroups(annotations: StringMap | undefined): boolean {
  return annotations?.["run.oci.keep_original_groups"] === "1";
}

/**
 * What an ordinary user cannot have, before anything is made.
 * @throws {ContainerError} permission_denied, naming the property and the remedy
 */
export function refuseRootless(config: Config, host: Host): void {
  const linux = config.linux ?? {};
  const { namespaces = [], netDevices = {} } = linux;
  const { rootless } = host;
  if (
    (config.process?.user?.additionalGids ?? []).length > 0 &&
    groupsPolicy(linux, host, config.annotations) === "denied"
  ) {
    throw denied(
      "/process/user/additionalGids",
      "a user namespace that maps only the caller's own group has no others",
    );
  }
  if (rootless === undefined) return;
  const [device] = Object.keys(netDevices);
  if (device !== undefined) {
    throw denied(`/linux/netDevices/${device}`, "a network device of the host can only be moved by the host's root");
  }
  const idmapped = planMounts(config.mounts ?? []).find(isIdmapped);
  if (idmapped !== undefined)
    throw denied(idmapped.purpose.from, "id-mapped mounts are not supported for rootless containers");
  if (rootless.uid === 0) return;
  const remedy = `add one of type "user" with mappings, as "tsrun spec --rootless" does`;
  if (!namespaces.some(({ type }) => type === "user")) {
    throw denied("/linux/namespaces", `rootless container requires user namespaces: ${remedy}`);
  }
  if (!hasOwn(namespaces, "user")) return;
  refuseUnmappable(linux, rootless);
  refuseForeignOwners(config);
}

function refuseUnmappable({ uidMappings = [], gidMappings = [] }: Linux, rootless: Rootless): void {
  const check = (property: "uidMappings" | "gidMappings", mappings: readonly IdMapping[], id: number) => {
    const tool = property === "uidMappings" ? "newuidmap" : "newgidmap";
    if (isOwnId(mappings, id) || rootless[tool] !== undefined) return;
    const why = `an ordinary user maps one id by itself, its own (${id}); more take ${tool}(1), which is not in PATH`;
    throw denied(`/linux/${property}`, `${why}: install it (Debian: uidmap)`);
  };
  check("uidMappings", uidMappings, rootless.uid);
  check("gidMappings", gidMappings, rootless.gid);
}

/** As runc: `uid=` and `gid=` of a filesystem have to be ids of the container. */
function refuseForeignOwners({ mounts = [], linux = {} }: Config): void {
  for (const { options, purpose } of planMounts(mounts)) {
    for (const { key, value = "", index } of options.filesystem) {
      if ((key !== "uid" && key !== "gid") || !/^\d+$/.test(value)) continue;
      const property = key === "uid" ? "uidMappings" : "gidMappings";
      if (isMapped(linux[property] ?? [], Number(value))) continue;
      const why = `cannot specify ${key}=${value} mount option for rootless container: linux.${property} does not map it`;
      throw denied(`${purpose.from}/options/${index}`, why);
    }
  }
}

function isMapped(mappings: readonly IdMapping[], id: number): boolean {
  return mappings.some(({ containerID, size }) => id >= containerID && id < containerID + size);
}

function denied(pointer: string, why: string): ContainerError {
  return new ContainerError("permission_denied", `cannot create the container (${propertyPath(pointer)}): ${why}`);
}
