import { ContainerError } from "../errors.ts";
import { FILE_TYPE } from "../linux/constants/files.ts";
import { type FileStatus, findStatus, listDirectory, realPath } from "../linux/files.ts";
import type { Kernel } from "../linux/kernel.ts";
import type { LinuxDevice } from "../spec/config.ts";
import type { DeviceRule } from "../spec/resources.ts";

/** A device of the host, or a directory of them, as a container is to have it. */
export interface DeviceRequest {
  readonly source: string;
  /** Where it is in the container. */
  readonly target: string;
  /** Letters of `rwm`. */
  readonly access: string;
}

/** Devices, and the rules that allow them. */
export interface HostDevices {
  readonly devices: readonly LinuxDevice[];
  readonly rules: readonly DeviceRule[];
}

/** What a device file is in a container. */
interface Found {
  readonly device: LinuxDevice & { readonly type: "b" | "c" };
  readonly access: string;
}

/** Directories are looked through so deep. */
const MAX_DEPTH = 8;

/** Finds devices; links are followed, of a directory all in it are taken. @throws {ContainerError} with what is none */
export function findDevices(kernel: Kernel, requests: readonly DeviceRequest[]): HostDevices {
  const found = requests.flatMap((request) => {
    const devices = look(kernel, { ...request, source: realPath(kernel, request.source) }, 0);
    if (devices.length > 0) return devices;
    throw new ContainerError("invalid_argument", `there is no device ${request.source}: ${why(kernel, request)}`);
  });
  // Of two at one place the last counts, as with mounts.
  const devices = [...new Map(found.map(({ device }) => [device.path, device])).values()];
  const rules = found.map(({ device: { type, major = 0, minor = 0 }, access }) => {
    return { allow: true, type, major, minor, access };
  });
  return { devices, rules };
}

/** What the runtime makes in every /dev, and what belongs to the host's terminals and filesystems. */
const NOT_OF_HOST: ReadonlySet<string> = new Set(
  [
    "null",
    "zero",
    "full",
    "random",
    "urandom",
    "tty",
    "ptmx",
    "console",
    "pts",
    "shm",
    "fd",
    "mqueue",
    "hugepages",
  ].map((name) => `/dev/${name}`),
);

/** All devices of the host. */
export function allDevices(kernel: Kernel): readonly LinuxDevice[] {
  return listDirectory(kernel, "/dev")
    .map(({ name }) => `/dev/${name}`)
    .filter((path) => !NOT_OF_HOST.has(path))
    .toSorted()
    .flatMap((path) => look(kernel, { source: path, target: path, access: "rwm" }, 0))
    .map(({ device }) => device);
}

function look(kernel: Kernel, request: DeviceRequest, depth: number): readonly Found[] {
  const { source, target, access } = request;
  // A link below a directory is somebody's second name for what is found anyway.
  if (depth > 0 && realPath(kernel, source) !== source) return [];
  const status = findStatus(kernel, source);
  if (status === undefined) return [];
  if (status.type !== FILE_TYPE.S_IFDIR) {
    const device = describe(status, target);
    return device === undefined ? [] : [{ device, access }];
  }
  if (depth === MAX_DEPTH) return [];
  return listDirectory(kernel, source).flatMap(({ name }) =>
    look(kernel, { source: `${source}/${name}`, target: `${target}/${name}`, access }, depth + 1),
  );
}

function describe(status: FileStatus, path: string): Found["device"] | undefined {
  const { type, mode, uid, gid, deviceMajor: major, deviceMinor: minor } = status;
  if (type !== FILE_TYPE.S_IFCHR && type !== FILE_TYPE.S_IFBLK) return undefined;
  return { path, type: type === FILE_TYPE.S_IFBLK ? "b" : "c", major, minor, fileMode: mode, uid, gid };
}

function why(kernel: Kernel, { source }: DeviceRequest): string {
  const status = findStatus(kernel, source);
  if (status === undefined) return "there is no such file";
  return status.type === FILE_TYPE.S_IFDIR ? "it is a directory without any" : "it is no device";
}
