/**
 * What a checkpoint leaves out because it is not the container's: mounts whose source is on the host, and namespaces that
 * are joined. At restore each is found by the key it has been given here, which is runc's: images can change hands.
 */
import { ContainerError } from "../../errors.ts";
import { FILE_TYPE, OPEN, RESOLVE } from "../../linux/constants/files.ts";
import { OwnedFd } from "../../linux/fd.ts";
import { findLink, findStatus, openDirectory, openFile, realPath } from "../../linux/files.ts";
import type { Kernel } from "../../linux/kernel.ts";
import type { CgroupHost } from "../../plan/host.ts";
import { type PlannedMount, planMounts, sourcePath } from "../../plan/mounts.ts";
import { hasOwn, NAMESPACE_FILES } from "../../plan/namespaces.ts";
import type { Config, NamespaceType } from "../../spec/config.ts";
import type { CriuOptions } from "./messages.ts";

type ExternalMount = { readonly key: string; readonly val: string };

/** A container's filesystem, as this process can reach it. */
export interface View {
  /** Absolute path of the directory that is the container's root. */
  readonly root: string;
  /** What readlink(2) of a descriptor in it begins with; nothing when it is in another mount namespace. */
  readonly prefix: string;
}

/** What stands where is asked of the running container: its image may have links, and it may have unmounted something. */
export function mountsToDump(
  kernel: Kernel,
  config: Config,
  cgroups: CgroupHost,
  view: View,
): readonly ExternalMount[] {
  const own = externalDestinations(config, cgroups).map(({ destination }) => resolveInRoot(kernel, view, destination));
  const masked = (config.linux?.maskedPaths ?? []).filter((path) => isMaskedFile(kernel, view, path));
  return [...own.map((path) => ({ key: path, val: path })), ...masked.map((path) => ({ key: path, val: MASK }))];
}

/** Where each comes from on this host. */
export function mountsToRestore(
  kernel: Kernel,
  config: Config,
  cgroups: CgroupHost,
  { view, bundle }: { readonly view: View; readonly bundle: string },
): readonly ExternalMount[] {
  const own = externalDestinations(config, cgroups, bundle).map(({ destination, source }) => ({
    key: resolveInRoot(kernel, view, destination),
    // criu takes the last part of the path for a name, which `.` is not.
    val: realPath(kernel, source),
  }));
  const hasMasks = (config.linux?.maskedPaths ?? []).length > 0;
  return hasMasks ? [...own, { key: MASK, val: MASK }] : own;
}

/** What masks a file. */
const MASK = "/dev/null";

interface ExternalDestination {
  readonly destination: string;
  readonly source: string;
}

function externalDestinations(config: Config, cgroups: CgroupHost, bundle = ""): readonly ExternalDestination[] {
  const ownCgroups = hasOwn(config.linux?.namespaces ?? [], "cgroup");
  const mounts = planMounts(config.mounts ?? [])
    .filter(({ options }) => !options.remount)
    .flatMap((planned) => {
      if (planned.options.bind !== "none") return [bindOf(planned, bundle)];
      // Others are mounts of their own, which criu knows.
      return planned.mount.type === "cgroup" && !ownCgroups ? cgroupBinds(planned, cgroups) : [];
    });
  const devices = (config.linux?.devices ?? []).map(({ path }) => ({ destination: path, source: path }));
  return [...mounts, ...devices];
}

function bindOf({ mount, destination }: PlannedMount, bundle: string): ExternalDestination {
  return { destination, source: bundle === "" ? "" : sourcePath(mount, { bundle }) };
}

/** On v1 the hierarchies are bound from the host, one by one. */
function cgroupBinds({ destination }: PlannedMount, cgroups: CgroupHost): readonly ExternalDestination[] {
  if (cgroups.mode === "v2") return [];
  return cgroups.hierarchies.map(({ mountPoint, directory }) => ({
    destination: `${destination}${mountPoint.slice(mountPoint.lastIndexOf("/"))}`,
    source: directory,
  }));
}

/** `struct open_how`: u64 flags, mode, resolve. */
const OPEN_HOW_BYTES = 24;

/** An O_PATH descriptor of what a path in the container leads to; undefined when there is nothing. */
function findInRoot(kernel: Kernel, { root }: View, path: string): OwnedFd | undefined {
  using directory = openDirectory(kernel, root);
  const how = new BigUint64Array([
    BigInt(OPEN.O_PATH) + BigInt(OPEN.O_CLOEXEC),
    0n,
    BigInt(RESOLVE.RESOLVE_IN_ROOT) + BigInt(RESOLVE.RESOLVE_NO_MAGICLINKS),
  ]);
  const fd = kernel.call("openat2", directory.number, path, how, OPEN_HOW_BYTES);
  return fd < 0 ? undefined : new OwnedFd(kernel, fd);
}

/** The path without its links; one at which there is nothing as it is. */
function resolveInRoot(kernel: Kernel, view: View, path: string): string {
  using file = findInRoot(kernel, view, path);
  const found = file === undefined ? undefined : findLink(kernel, `/proc/self/fd/${file.number}`);
  const { prefix } = view;
  if (found === undefined || !found.startsWith(`${prefix}/`)) return path;
  return found.slice(prefix.length);
}

function isMaskedFile(kernel: Kernel, view: View, path: string): boolean {
  using file = findInRoot(kernel, view, path);
  const status = file === undefined ? undefined : findStatus(kernel, file.number);
  return status !== undefined && status.type !== FILE_TYPE.S_IFDIR;
}

/** criu takes these as they are at restore; the others it joins by their path. */
const EXTERNAL: readonly NamespaceType[] = ["network", "pid"];
const KEYS: Readonly<Record<string, string>> = { network: "extRootNetNS", pid: "extRootPidNS" };

function joined(config: Config): readonly { readonly type: NamespaceType; readonly path: string }[] {
  return (config.linux?.namespaces ?? []).flatMap(({ type, path }) => (path === undefined ? [] : [{ type, path }]));
}

/** criu(8), `--external TYPE[INODE]:KEY`, of the namespaces that are joined. */
export function namespacesToDump(kernel: Kernel, config: Config): readonly string[] {
  return joined(config)
    .filter(({ type }) => EXTERNAL.includes(type))
    .map(({ type, path }) => {
      const status = findStatus(kernel, path);
      if (status === undefined) {
        throw new ContainerError("not_found", `cannot checkpoint: the ${type} namespace ${path} is not there any more`);
      }
      return `${NAMESPACE_FILES[type]}[${status.inode}]:${KEYS[type]}`;
    });
}

/** The namespaces a container is restored into. */
export interface RestoredNamespaces {
  /** Handed to criu in this order. */
  readonly inherit: readonly OwnedFd[];
  readonly options: Pick<CriuOptions, "inheritFd" | "joinNs">;
}

/** @throws {ContainerError} for a cgroup namespace, which criu cannot join */
export function namespacesToRestore(kernel: Kernel, config: Config, firstFd: number): RestoredNamespaces {
  const external = joined(config).filter(({ type }) => EXTERNAL.includes(type));
  const others = joined(config).filter(({ type }) => !EXTERNAL.includes(type));
  if (others.some(({ type }) => type === "cgroup")) {
    throw new ContainerError("unimplemented", "cannot restore into a cgroup namespace that is joined: criu cannot");
  }
  return {
    inherit: external.map(({ type, path }) =>
      openFile(kernel, path, OPEN.O_RDONLY, `open the ${type} namespace ${path}`),
    ),
    options: {
      inheritFd: external.map(({ type }, index) => ({ key: KEYS[type] ?? "", fd: firstFd + index })),
      joinNs: others.map(({ type, path }) => ({ ns: NAMESPACE_FILES[type], file: path })),
    },
  };
}
