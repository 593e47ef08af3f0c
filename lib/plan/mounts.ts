import { ContainerError } from "../errors.ts";
import { pointerTo, propertyPath } from "../json-pointer.ts";
import { FSCONFIG, FSPICK, MOUNT_ATTR, MS, MS_REC } from "../linux/constants/mounts.ts";
import type { Mount } from "../spec/config.ts";
import {
  attach,
  checkFilesystem,
  cloneTree,
  createMount,
  openContext,
  openInRoot,
  ROOT,
  setAttributes,
  setOption,
} from "./calls.ts";
import { compileCgroupMount } from "./cgroup-mount.ts";
import type { Host, Request } from "./host.ts";
import { isIdmapped } from "./idmap.ts";
import { labelContext, labelRoot, type MountLabel } from "./mount-label.ts";
import { type FilesystemOption, type MountOptions, parseMountOptions } from "./mount-options.ts";
import { allOrElse, flags, type Purpose, register, type Step } from "./step.ts";
import { copyUp, inheritMode } from "./tmpfs.ts";

/** A mount of the config with its options understood. */
export interface PlannedMount {
  readonly mount: Mount;
  readonly index: number;
  /** Absolute and without `.`, `..` or doubled slashes. */
  readonly destination: string;
  readonly options: MountOptions;
  readonly purpose: Purpose;
}

/** What a mount depends on beside itself. */
export interface MountContext {
  readonly host: Host;
  readonly request: Request;
  readonly ownCgroupNamespace: boolean;
  /** Sources of bind mounts were opened before, each in its register. */
  readonly isOpened: boolean;
  /** `linux.mountLabel` */
  readonly label: MountLabel | undefined;
}

/** config.md § Mounts: in the listed order. */
export function planMounts(mounts: readonly Mount[]): readonly PlannedMount[] {
  return mounts.map((mount, index): PlannedMount => {
    const options = parseMountOptions(mount.options ?? []);
    const destination = normalize(mount.destination);
    const what = options.bind === "none" ? (mount.type ?? "none") : (mount.source ?? "");
    const doing = options.remount ? `remount ${destination}` : `mount ${what} on ${destination}`;
    return {
      mount,
      index,
      destination,
      options,
      purpose: { doing, from: pointerTo("/mounts", index), path: destination },
    };
  });
}

/** The steps of one mount that refuseUnsafe() has let pass. */
export function compileMount(planned: PlannedMount, context: MountContext): readonly Step[] {
  const { mount, options } = planned;
  if (options.remount) return compileRemount(planned);
  if (options.bind !== "none") return compileBind(planned, context);
  if (mount.type === "cgroup" || mount.type === "cgroup2") {
    return compileCgroupMount(planned, context.host, context.ownCgroupNamespace);
  }
  return compileFilesystem(planned, context);
}

/** Mounts of a tmpfs, or on /dev, stay writable until everything is in place; these steps then make them read-only. */
export function compileLateReadonly(mounts: readonly PlannedMount[]): readonly Step[] {
  return mounts
    .filter(isLateReadonly)
    .flatMap(({ destination, purpose }) => [
      openInRoot({ path: destination, into: "target" }, purpose),
      setAttributes("target", { set: MOUNT_ATTR.MOUNT_ATTR_RDONLY }, false, purpose),
    ]);
}

/** Removes `.`, `..` and doubled slashes by their text alone; a relative path starts at `/`. */
export function normalize(path: string): string {
  const parts: string[] = [];
  for (const part of path.split("/")) {
    if (part === "..") parts.pop();
    else if (part !== "" && part !== ".") parts.push(part);
  }
  return `/${parts.join("/")}`;
}

function isLateReadonly({ mount, destination, options }: PlannedMount): boolean {
  const isReadonly = (options.set & MOUNT_ATTR.MOUNT_ATTR_RDONLY) !== 0;
  return isReadonly && options.bind === "none" && (mount.type === "tmpfs" || destination === "/dev");
}

/** The only files of /proc that may be covered, as runc has it (lxcfs covers them). */
const PROC_TARGETS = new Set([
  "/proc/cpuinfo",
  "/proc/diskstats",
  "/proc/meminfo",
  "/proc/stat",
  "/proc/swaps",
  "/proc/uptime",
  "/proc/loadavg",
  "/proc/slabinfo",
  "/proc/sys/kernel/ns_last_pid",
  "/proc/sys/crypto/fips_enabled",
]);

/** @throws {ContainerError} invalid_argument */
export function refuseUnsafe({ mount, destination, options, purpose }: PlannedMount): void {
  if (destination === "/") throw refuse(purpose, "the root of the container cannot be mounted over");
  if (destination.startsWith("/proc/") && !PROC_TARGETS.has(destination)) {
    throw refuse(purpose, `${destination} cannot be mounted because it is inside /proc`);
  }
  if (destination === "/proc" && options.bind === "none" && mount.type !== "proc") {
    throw refuse(purpose, "/proc can only be a mount of type proc");
  }
  if (options.bind === "none") return;
  const data = options.filesystem.find(({ isCommon }) => isCommon !== true);
  if (data !== undefined) {
    throw refuse(purpose, `a bind mount takes no option of a filesystem, but ${JSON.stringify(data.key)} is one`);
  }
}

function refuse(purpose: Purpose, why: string): ContainerError {
  return new ContainerError("invalid_argument", `cannot ${purpose.doing} (${propertyPath(purpose.from)}): ${why}`);
}

/** config.md § Mounts: the source of a bind mount is relative to the bundle unless it is absolute. */
export function sourcePath({ source = "" }: Mount, { bundle }: Pick<Request, "bundle">): string {
  return source.startsWith("/") ? source : `${bundle}/${source}`;
}

/** `bind`, `rbind`: a detached copy of the source, made what the options ask, then attached. */
function compileBind(planned: PlannedMount, { request, isOpened }: MountContext): readonly Step[] {
  const { mount, index, destination, options, purpose } = planned;
  // An id-mapped source is opened by setup, who has the privilege.
  const isOpen = isOpened || isIdmapped(planned);
  const path = sourcePath(mount, request);
  const from: Purpose = { ...purpose, from: pointerTo(purpose.from, "source"), path };
  const tree = isOpen ? sourceRegister(index) : "tree";
  return [
    ...(isOpen ? [] : [cloneTree(path, options.bind === "tree", tree, from)]),
    ...(destination === "/proc" ? [checkFilesystem(tree, "PROC_SUPER_MAGIC", true, from)] : []),
    openInRoot({ path: destination, into: "target", make: { like: tree } }, purpose),
    ...guardTarget(destination, purpose),
    ...compileAttributes(tree, options, { set: options.set, clear: options.clear }, purpose),
    attach(tree, "target", purpose),
  ];
}

/** The register with the copy of a mount's source that setup made. */
export function sourceRegister(index: number): string {
  return `source${index}`;
}

/** A filesystem of its own: proc, sysfs, tmpfs, devpts, mqueue, overlay, … */
function compileFilesystem(planned: PlannedMount, { isOpened, label }: MountContext): readonly Step[] {
  const { mount, destination, options, purpose } = planned;
  const type = mount.type ?? "none";
  const late = isLateReadonly(planned) ? MOUNT_ATTR.MOUNT_ATTR_RDONLY : 0;
  const isKernelInterface = type === "proc" || type === "sysfs";
  const keepsMode = type === "tmpfs" && !options.filesystem.some(({ key }) => key === "mode");
  if (options.filesystem.some(({ value = "" }) => value.length > MAX_CONTEXT_BYTES))
    return compileByMount(planned, label);
  const context = [
    openContext(type, purpose),
    setOption("source", mount.source ?? type, purpose),
    ...options.filesystem.map((option) => filesystemOption(option, purpose)),
    ...labelContext(label, type, purpose),
  ];
  if ((options.set & ~late & MOUNT_ATTR.MOUNT_ATTR_RDONLY) !== 0) context.push(setOption("ro", undefined, purpose));
  const fresh = [
    ...context,
    ...createMount(options.set & ~late, "tree", purpose),
    ...labelRoot(label, type, "tree", purpose),
  ];
  return [
    ...(type === "sysfs" && isOpened ? orBindSysfs(fresh, options.set, purpose) : fresh),
    ...(keepsMode ? inheritMode(destination, "tree", purpose) : []),
    ...(options.copyUp && type === "tmpfs" ? copyUp(destination, "tree", purpose) : []),
    ...compileAttributes("tree", options, {}, purpose),
    openMountPoint(destination, isKernelInterface ? type : undefined, purpose),
    ...guardTarget(destination, purpose),
    attach("tree", "target", purpose),
  ];
}

/** What is said of the kernel has to be said at its place: a link there would lead proc or sysfs elsewhere. */
function openMountPoint(path: string, kernelInterface: string | undefined, purpose: Purpose): Step {
  const make = "directory";
  if (kernelInterface === undefined) return openInRoot({ path, into: "target", make }, purpose);
  return {
    ...openInRoot({ path, into: "target", make, noSymlinks: true }, purpose),
    refusal: `${JSON.stringify(kernelInterface)} must be mounted on ordinary directory`,
  };
}

/**
 * As crun: a user namespace that does not own the network namespace, or sees a /sys that is covered in part, gets what
 * the host has in place of a fresh sysfs; with the options for all of it.
 */
function orBindSysfs(fresh: readonly Step[], set: number, purpose: Purpose): readonly Step[] {
  const bind = [cloneTree("/sys", true, "tree", purpose), setAttributes("tree", { set }, true, purpose)];
  return allOrElse(fresh, ["EPERM"], bind);
}

/** fsconfig(2) takes no longer value; a page of mount(2) takes the many layers of an overlay. */
const MAX_CONTEXT_BYTES = 255;

/** mount(2) on the working directory, which is the target that was opened and checked. */
function compileByMount(
  { mount, destination, options, purpose }: PlannedMount,
  label: MountLabel | undefined,
): readonly Step[] {
  const given = options.filesystem.map(({ key, value }) => (value === undefined ? key : `${key}=${value}`));
  // The quotes keep the commas of a label's categories.
  const data = [...given, ...(label === undefined ? [] : [`${label.option}="${label.label}"`])].join(",");
  const type = mount.type ?? "none";
  return [
    openInRoot({ path: destination, into: "target", make: "directory" }, purpose),
    ...guardTarget(destination, purpose),
    { call: "fchdir", args: [register("target")], purpose },
    { call: "mount", args: [mount.source ?? type, ".", type, flags(mountFlags(options.set), MS), data], purpose },
    { call: "fchdir", args: [register(ROOT)], purpose },
    openInRoot({ path: destination, into: "tree" }, purpose),
    ...compileAttributes("tree", options, {}, purpose),
  ];
}

/** The attributes of a mount as mount(2) has them. */
function mountFlags(attributes: number): number {
  const pairs = [
    [MOUNT_ATTR.MOUNT_ATTR_RDONLY, MS.MS_RDONLY],
    [MOUNT_ATTR.MOUNT_ATTR_NOSUID, MS.MS_NOSUID],
    [MOUNT_ATTR.MOUNT_ATTR_NODEV, MS.MS_NODEV],
    [MOUNT_ATTR.MOUNT_ATTR_NOEXEC, MS.MS_NOEXEC],
    [MOUNT_ATTR.MOUNT_ATTR_NOATIME, MS.MS_NOATIME],
    [MOUNT_ATTR.MOUNT_ATTR_STRICTATIME, MS.MS_STRICTATIME],
    [MOUNT_ATTR.MOUNT_ATTR_NODIRATIME, MS.MS_NODIRATIME],
    [MOUNT_ATTR.MOUNT_ATTR_NOSYMFOLLOW, MS.MS_NOSYMFOLLOW],
  ] as const;
  return pairs.reduce((bits, [attribute, flag]) => ((attributes & attribute) === 0 ? bits : bits | flag), 0);
}

function filesystemOption({ key, value, index }: FilesystemOption, purpose: Purpose): Step {
  return setOption(key, value, { ...purpose, from: pointerTo(pointerTo(purpose.from, "options"), index) });
}

/** `remount`: changes the mount that is there, and its filesystem where there are options of that. */
function compileRemount(planned: PlannedMount): readonly Step[] {
  const { destination, options, purpose } = planned;
  const set = isLateReadonly(planned) ? options.set & ~MOUNT_ATTR.MOUNT_ATTR_RDONLY : options.set;
  return [
    openInRoot({ path: destination, into: "tree" }, purpose),
    ...(options.bind === "none" ? reconfigure("tree", options, purpose) : []),
    ...compileAttributes("tree", options, { set, clear: options.clear }, purpose),
  ];
}

/** fspick(2): tells the filesystem of a mount its new options. */
function reconfigure(tree: string, { filesystem }: MountOptions, purpose: Purpose): readonly Step[] {
  if (filesystem.length === 0) return [];
  const how = flags(FSPICK.FSPICK_CLOEXEC | FSPICK.FSPICK_EMPTY_PATH, FSPICK);
  const command = flags(FSCONFIG.FSCONFIG_CMD_RECONFIGURE, FSCONFIG);
  return [
    { call: "fspick", args: [register(tree), "", how], into: "context", purpose },
    ...filesystem.map((option) => filesystemOption(option, purpose)),
    { call: "fsconfig", args: [register("context"), command, 0, 0, 0], purpose },
  ];
}

/** A link in the image must not lead a mount into /proc, where it could fake what we and others read. */
function guardTarget(destination: string, purpose: Purpose): readonly Step[] {
  if (PROC_TARGETS.has(destination)) return [];
  return [checkFilesystem("target", "PROC_SUPER_MAGIC", false, purpose)];
}

function compileAttributes(
  tree: string,
  options: MountOptions,
  own: { readonly set?: number; readonly clear?: number },
  purpose: Purpose,
): readonly Step[] {
  const steps: Step[] = [];
  if ((own.set ?? 0) !== 0 || (own.clear ?? 0) !== 0) steps.push(setAttributes(tree, own, false, purpose));
  if (options.recursiveSet !== 0 || options.recursiveClear !== 0) {
    const change = { set: options.recursiveSet, clear: options.recursiveClear };
    steps.push(setAttributes(tree, change, true, purpose));
  }
  for (const bits of options.propagation) {
    steps.push(setAttributes(tree, { propagation: bits & ~MS_REC }, (bits & MS_REC) !== 0, purpose));
  }
  return steps;
}
