import { pointerTo } from "../json-pointer.ts";
import { AT, AT_FDCWD, FILE_TYPE } from "../linux/constants/files.ts";
import type { LinuxDevice } from "../spec/config.ts";
import { attach, openInRoot } from "./calls.ts";
import { normalize, type PlannedMount } from "./mounts.ts";
import { type Flags, flags, mode as octal, type Purpose, register, type Step } from "./step.ts";

/** config-linux.md § Default Devices; all 0666 and owned by root. */
export const DEFAULT_DEVICES: readonly Required<LinuxDevice>[] = [
  device("/dev/null", 1, 3),
  device("/dev/random", 1, 8),
  device("/dev/full", 1, 7),
  device("/dev/tty", 5, 0),
  device("/dev/zero", 1, 5),
  device("/dev/urandom", 1, 9),
];

/** config-linux.md § Default Devices: the links of /dev. */
const LINKS: readonly (readonly [name: string, target: string])[] = [
  ["fd", "/proc/self/fd"],
  ["stdin", "/proc/self/fd/0"],
  ["stdout", "/proc/self/fd/1"],
  ["stderr", "/proc/self/fd/2"],
];

/** The devices of a container: those listed, and the default ones that are not; none when the config binds a /dev. */
export function planDevices(
  devices: readonly LinuxDevice[],
  mounts: readonly PlannedMount[],
): readonly PlannedDevice[] {
  if (bindsDev(mounts)) return [];
  const listed = new Set(devices.map(({ path }) => normalize(path)));
  return [
    ...DEFAULT_DEVICES.filter(({ path }) => !listed.has(path)).map((entry) => ({
      entry,
      purpose: { doing: `make device ${entry.path}`, from: "", path: entry.path },
    })),
    ...devices.map((entry, index) => ({
      entry,
      purpose: { doing: `make device ${entry.path}`, from: pointerTo("/linux/devices", index), path: entry.path },
    })),
  ];
}

export interface PlannedDevice {
  readonly entry: LinuxDevice;
  readonly purpose: Purpose;
}

/** Makes the devices and the links of /dev. In a user namespace no device can be made: the host's are bound. */
export function compileDevices(
  devices: readonly PlannedDevice[],
  mounts: readonly PlannedMount[],
  hasUserNamespace: boolean,
): readonly Step[] {
  if (bindsDev(mounts)) return [];
  const steps = devices.flatMap(({ entry, purpose }, index) =>
    hasUserNamespace ? bindDevice(entry, index, purpose) : compileDevice(entry, purpose),
  );
  return [...steps, ...compileLinks()];
}

/** The register with the copy of a device of the host that setup made. */
export function deviceRegister(index: number): string {
  return `device${index}`;
}

function bindsDev(mounts: readonly PlannedMount[]): boolean {
  return mounts.some(({ destination, options }) => destination === "/dev" && options.bind !== "none");
}

function bindDevice({ path }: LinuxDevice, index: number, purpose: Purpose): readonly Step[] {
  return [
    openInRoot({ path: normalize(path), into: "target", make: "file" }, purpose),
    attach(deviceRegister(index), "target", purpose),
  ];
}

function device(path: string, major: number, minor: number): Required<LinuxDevice> {
  return { path, type: "c", major, minor, fileMode: 0o666, uid: 0, gid: 0 };
}

/**
 * mknodat(2) below a descriptor of the parent; then owner and mode through a descriptor that was checked to be the
 * device, so that what was swapped in between is never changed.
 */
function compileDevice(entry: LinuxDevice, purpose: Purpose): readonly Step[] {
  const path = normalize(entry.path);
  const slash = path.lastIndexOf("/");
  const type = { b: FILE_TYPE.S_IFBLK, c: FILE_TYPE.S_IFCHR, u: FILE_TYPE.S_IFCHR, p: FILE_TYPE.S_IFIFO }[entry.type];
  const permissions = entry.fileMode ?? 0o666;
  // A FIFO has no numbers, whatever the config says.
  const { major = 0, minor = 0 } = entry.type === "p" ? {} : entry;
  const name = path.slice(slash + 1);
  const isOwned = (entry.uid ?? 0) !== 0 || (entry.gid ?? 0) !== 0;
  const owner: Step = {
    call: "fchownat",
    args: [register("device"), "", entry.uid ?? 0, entry.gid ?? 0, flags(AT.AT_EMPTY_PATH, AT)],
    purpose,
  };
  return [
    openInRoot({ path: path.slice(0, slash) || "/", into: "parent", make: "directory" }, purpose),
    {
      call: "mknodat",
      args: [register("parent"), name, octal(type | (permissions & 0o7777)), deviceNumber(major, minor)],
      tolerated: ["EEXIST"],
      purpose,
    },
    openInRoot({ root: "parent", path: name, into: "device", noSymlinks: true }, purpose),
    {
      call: "checkDevice",
      args: [register("device"), flags(type, FILE_TYPE), major, minor],
      refusal: `${path} is there and is something else`,
      purpose,
    },
    ...(isOwned ? [owner] : []),
  ];
}

/** symlinkat(2) below a descriptor of /dev; an entry that is there stays, as with runc. */
function compileLinks(): readonly Step[] {
  const purpose: Purpose = { doing: "make the links of /dev", from: "", path: "/dev" };
  const link = (name: string, target: string): Step => ({
    call: "symlinkat",
    args: [target, register("parent"), name],
    tolerated: ["EEXIST"],
    purpose,
  });
  return [
    openInRoot({ path: "/dev", into: "parent", make: "directory" }, purpose),
    // /dev/core only where the kernel has /proc/kcore
    {
      call: "faccessat2",
      args: [flags(AT_FDCWD, { AT_FDCWD }), "/proc/kcore", 0, 0],
      tolerated: ["ENOENT"],
      otherwise: 1,
      purpose,
    },
    link("core", "/proc/kcore"),
    ...LINKS.map(([name, target]) => link(name, target)),
    { call: "unlinkat", args: [register("parent"), "ptmx", 0], tolerated: ["ENOENT"], purpose },
    link("ptmx", "pts/ptmx"),
  ];
}

function deviceNumber(major: number, minor: number): Flags {
  const value = makedev(major, minor);
  return flags(value, { [`makedev(${major}, ${minor})`]: value });
}

/** makedev(3), as the kernel's new_decode_dev() reads it from mknod(2): 12 bits of major, 20 of minor. */
function makedev(major: number, minor: number): number {
  return ((minor & 0xff) | ((major & 0xfff) << 8) | ((minor & 0xfff00) << 12)) >>> 0;
}
