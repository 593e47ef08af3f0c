import { ContainerError } from "../../errors.ts";
import type { Config, Linux, LinuxNamespace, Mount, Process, Rlimit, User } from "../../spec/config.ts";
import { defaultConfig } from "../../spec/default-config.ts";
import type { LinuxResources } from "../../spec/resources.ts";
import type { Seccomp } from "../../spec/seccomp.ts";
import type { HostDevices } from "../devices.ts";
import type { ImageSettings } from "../image.ts";
import { cpuLimits } from "./cpu-limits.ts";

/** What a person asks of a container; what is left out comes from the image. */
export interface ContainerRequest {
  readonly id: string;
  readonly namespace: string;
  /** In place of the image's; an empty one runs the command by itself. */
  readonly entrypoint: readonly string[] | undefined;
  readonly command: readonly string[];
  /** Each `NAME=value`; the last of a name counts. */
  readonly env: readonly string[];
  readonly workingDir: string | undefined;
  readonly hostname: string | undefined;
  readonly terminal: boolean;
  readonly readOnly: boolean;
  readonly privileged: boolean;
  readonly capabilities: readonly string[];
  readonly noNewPrivileges: boolean;
  /** Undefined: no call is refused by a filter. */
  readonly seccomp: Seccomp | undefined;
  readonly apparmorProfile: string | undefined;
  /** Paths that are hidden beside those that always are. */
  readonly mask: readonly string[];
  /** Of the paths that always are hidden or read-only those that are not. */
  readonly unmask: readonly string[] | "all";
  readonly devices: HostDevices;
  readonly mounts: readonly Mount[];
  readonly rlimits: readonly Rlimit[];
  readonly memoryBytes: number | undefined;
  /** Of /dev/shm; undefined: 64 MiB. */
  readonly shmBytes: number | undefined;
  readonly cpus: number | undefined;
  readonly cpuShares: number | undefined;
  readonly cpusetCpus: string | undefined;
  readonly pidsLimit: number | undefined;
  readonly hasHostNetwork: boolean;
  readonly hasHostPid: boolean;
  readonly sysctl: Readonly<Record<string, string>>;
  /** Of the host. */
  readonly cgroupMode: "legacy" | "unified";
}

const PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
const MAX_HOSTNAME_CHARS = 63;

/** The config.json of a container. @throws {ContainerError} invalid_argument when there is no program to run */
export function makeSpec(request: ContainerRequest, image: ImageSettings, user: User): Config {
  const base = defaultConfig({ rootless: false, uid: 0, gid: 0, cgroupMode: request.cgroupMode });
  const { readOnly, namespace, id, devices, seccomp } = request;
  return {
    ociVersion: base.ociVersion,
    process: makeProcess(request, image, user),
    root: { path: "rootfs", readonly: readOnly },
    hostname: request.hostname ?? id.slice(0, MAX_HOSTNAME_CHARS),
    mounts: [...systemMounts(base.mounts ?? [], request), ...request.mounts],
    linux: {
      cgroupsPath: `/${namespace}/${id}`,
      resources: makeResources(request),
      namespaces: chooseNamespaces(base.linux?.namespaces ?? [], request),
      ...(Object.keys(request.sysctl).length === 0 ? {} : { sysctl: request.sysctl }),
      ...(devices.devices.length === 0 ? {} : { devices: devices.devices }),
      ...(seccomp === undefined ? {} : { seccomp }),
      ...choosePaths(base.linux ?? {}, request),
    },
  };
}

/** What of /proc and /sys nobody is to see, or to write to. */
function choosePaths({ maskedPaths = [], readonlyPaths = [] }: Linux, { privileged, mask, unmask }: ContainerRequest) {
  const isOpen = (path: string) => privileged || unmask === "all" || unmask.includes(path);
  const hidden = [...maskedPaths.filter((path) => !isOpen(path)), ...mask];
  const readOnly = readonlyPaths.filter((path) => !isOpen(path));
  return {
    ...(hidden.length === 0 ? {} : { maskedPaths: hidden }),
    ...(readOnly.length === 0 ? {} : { readonlyPaths: readOnly }),
  };
}

function makeProcess(request: ContainerRequest, image: ImageSettings, user: User): Process {
  const { terminal, capabilities, noNewPrivileges, rlimits, apparmorProfile } = request;
  const isRoot = user.uid === 0;
  const sets = { bounding: capabilities, ...(isRoot ? { effective: capabilities, permitted: capabilities } : {}) };
  return {
    terminal,
    user,
    args: chooseArgs(request, image),
    env: mergeEnv([PATH, ...(terminal ? ["TERM=xterm"] : []), ...image.env, ...request.env]),
    cwd: request.workingDir ?? (image.workingDir || "/"),
    capabilities: sets,
    noNewPrivileges,
    ...(apparmorProfile === undefined ? {} : { apparmorProfile }),
    ...(rlimits.length === 0 ? {} : { rlimits }),
  };
}

/** image-spec § config.Entrypoint, config.Cmd: a command replaces the second, an entrypoint both. */
function chooseArgs({ entrypoint, command }: ContainerRequest, image: ImageSettings): readonly string[] {
  const cmd = command.length > 0 || entrypoint !== undefined ? command : image.cmd;
  const args = [...(entrypoint ?? image.entrypoint), ...cmd];
  if (args.length > 0) return args;
  throw new ContainerError("invalid_argument", "the image names no program to run, and no command was given");
}

/** The last value of each name, where the name was first. */
function mergeEnv(env: readonly string[]): readonly string[] {
  const values = new Map<string, string>();
  for (const entry of env) values.set(entry.split("=", 1)[0] ?? "", entry);
  return [...values.values()];
}

function systemMounts(mounts: readonly Mount[], request: ContainerRequest): readonly Mount[] {
  const { mounts: own, privileged, shmBytes } = request;
  const hidden = new Set(own.map(({ destination }) => destination.replace(/(.)\/+$/, "$1")));
  const sized = mounts.map((mount) => {
    if (shmBytes === undefined || mount.destination !== "/dev/shm") return mount;
    const options = mount.options?.filter((option) => !option.startsWith("size=")) ?? [];
    return { ...mount, options: [...options, `size=${shmBytes}`] };
  });
  const kept = sized.filter(({ destination }) => !hidden.has(destination));
  if (!privileged) return kept;
  return kept.map((mount) => {
    const isSystem = mount.destination.startsWith("/sys");
    return isSystem ? { ...mount, options: mount.options?.filter((option) => option !== "ro") ?? [] } : mount;
  });
}

function chooseNamespaces(all: readonly LinuxNamespace[], request: ContainerRequest): readonly LinuxNamespace[] {
  return all.filter(
    ({ type }) => !(type === "network" && request.hasHostNetwork) && !(type === "pid" && request.hasHostPid),
  );
}

function makeResources(request: ContainerRequest): LinuxResources {
  const { memoryBytes, cpus, cpuShares, cpusetCpus, pidsLimit, privileged, devices } = request;
  const cpu = {
    ...cpuLimits(cpus),
    ...(cpuShares === undefined ? {} : { shares: cpuShares }),
    ...(cpusetCpus === undefined ? {} : { cpus: cpusetCpus }),
  };
  return {
    devices: [{ allow: privileged, access: "rwm" }, ...(privileged ? [] : devices.rules)],
    ...(memoryBytes === undefined ? {} : { memory: { limit: memoryBytes } }),
    ...(Object.keys(cpu).length === 0 ? {} : { cpu }),
    ...(pidsLimit === undefined ? {} : { pids: { limit: pidsLimit } }),
  };
}
