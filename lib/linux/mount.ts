import { ContainerError } from "../errors.ts";
import { errnoNumber, errnoText } from "./constants/errno.ts";
import { AT_FDCWD, OPEN } from "./constants/files.ts";
import { MS, MS_REC, PROPAGATION, UMOUNT } from "./constants/mounts.ts";
import { CLONE_NEW } from "./constants/processes.ts";
import { checkedCall, openCall } from "./fd.ts";
import type { Kernel } from "./kernel.ts";

/** A mount as mount(8) takes it. */
export interface MountRequest {
  readonly type: string;
  readonly source: string;
  readonly options: readonly string[];
}

/** mount(8): options that are flags of mount(2); `true` sets. */
const FLAGS: Readonly<Record<string, readonly [flag: number, isSet: boolean]>> = {
  ro: [MS.MS_RDONLY, true],
  rw: [MS.MS_RDONLY, false],
  nosuid: [MS.MS_NOSUID, true],
  suid: [MS.MS_NOSUID, false],
  nodev: [MS.MS_NODEV, true],
  dev: [MS.MS_NODEV, false],
  noexec: [MS.MS_NOEXEC, true],
  exec: [MS.MS_NOEXEC, false],
  sync: [MS.MS_SYNCHRONOUS, true],
  async: [MS.MS_SYNCHRONOUS, false],
  dirsync: [MS.MS_DIRSYNC, true],
  remount: [MS.MS_REMOUNT, true],
  nosymfollow: [MS.MS_NOSYMFOLLOW, true],
  noatime: [MS.MS_NOATIME, true],
  atime: [MS.MS_NOATIME, false],
  nodiratime: [MS.MS_NODIRATIME, true],
  diratime: [MS.MS_NODIRATIME, false],
  relatime: [MS.MS_RELATIME, true],
  norelatime: [MS.MS_RELATIME, false],
  strictatime: [MS.MS_STRICTATIME, true],
  nostrictatime: [MS.MS_STRICTATIME, false],
  lazytime: [MS.MS_LAZYTIME, true],
  nolazytime: [MS.MS_LAZYTIME, false],
  bind: [MS.MS_BIND, true],
  rbind: [MS.MS_BIND | MS_REC, true],
  defaults: [0, true],
};

const PROPAGATIONS: Readonly<Record<string, number>> = {
  private: PROPAGATION.MS_PRIVATE,
  rprivate: PROPAGATION.MS_PRIVATE | MS_REC,
  shared: PROPAGATION.MS_SHARED,
  rshared: PROPAGATION.MS_SHARED | MS_REC,
  slave: PROPAGATION.MS_SLAVE,
  rslave: PROPAGATION.MS_SLAVE | MS_REC,
  unbindable: PROPAGATION.MS_UNBINDABLE,
  runbindable: PROPAGATION.MS_UNBINDABLE | MS_REC,
};

/** mount(2) reads one page of data, with its NUL. */
const MAX_DATA_BYTES = 4095;

/** The options of a mount as mount(2) takes them. */
export interface ParsedOptions {
  readonly flags: number;
  readonly propagation: readonly number[];
  readonly data: readonly string[];
}

/** Takes options of mount(8) apart. */
export function parseOptions(options: readonly string[]): ParsedOptions {
  let flags = 0;
  const propagation: number[] = [];
  const data: string[] = [];
  for (const option of options) {
    const flag = Object.hasOwn(FLAGS, option) ? FLAGS[option] : undefined;
    const kind = Object.hasOwn(PROPAGATIONS, option) ? PROPAGATIONS[option] : undefined;
    if (flag !== undefined) flags = flag[1] ? flags | flag[0] : flags & ~flag[0];
    else if (kind !== undefined) propagation.push(kind);
    else if (option !== "") data.push(option);
  }
  return { flags, propagation, data };
}

/** mount(2) of what a snapshotter gives. @throws {ContainerError} */
export function mount(kernel: Kernel, request: MountRequest, target: string): void {
  const { type, source, options } = request;
  const { flags, propagation, data } = parseOptions(options);
  const doing = { doing: `mount ${type} from ${source} on ${target}`, path: target };
  const isBind = (flags & MS.MS_BIND) !== 0;
  const first = isBind ? flags & (MS.MS_BIND | MS_REC) : flags;
  {
    const text = data.join(",");
    using base = text.length <= MAX_DATA_BYTES ? undefined : shortenOverlay(kernel, type, data, target);
    const args = [source, target, isBind ? "" : type, first >>> 0, base?.data ?? text] as const;
    checkedCall(kernel, doing, "mount", ...args);
  }
  // A bind takes no attributes when it is made.
  const attributes = flags & ~(MS.MS_BIND | MS_REC);
  if (isBind && attributes !== 0) {
    checkedCall(kernel, doing, "mount", "", target, "", (attributes | MS.MS_BIND | MS.MS_REMOUNT) >>> 0, "");
  }
  for (const kind of propagation) checkedCall(kernel, doing, "mount", "", target, "", kind >>> 0, "");
}

interface ShortData extends Disposable {
  readonly data: string;
}

/**
 * Many layers make more data than a page: their common directory becomes short, through a descriptor in /proc.
 * @throws {ContainerError} invalid_argument when that does not help
 */
function shortenOverlay(kernel: Kernel, type: string, data: readonly string[], target: string): ShortData {
  const layers = data.find((option) => option.startsWith("lowerdir="))?.slice("lowerdir=".length) ?? "";
  const directory = commonDirectory(layers.split(":"));
  if (type === "overlay" && directory.length > 1) {
    using opened = openCall(kernel, { doing: `open ${directory}` }, "openat", AT_FDCWD, directory, DIRECTORY, 0);
    const short = layers
      .split(":")
      .map((layer) => `/proc/self/fd/${opened.number}${layer.slice(directory.length)}`)
      .join(":");
    const text = data.map((option) => (option.startsWith("lowerdir=") ? `lowerdir=${short}` : option)).join(",");
    if (text.length <= MAX_DATA_BYTES) {
      const kept = opened.move();
      return { data: text, [Symbol.dispose]: () => kept.close() };
    }
  }
  throw new ContainerError("invalid_argument", `cannot mount ${type} on ${target}: its options are too long`);
}

const DIRECTORY = OPEN.O_PATH | OPEN.O_DIRECTORY | OPEN.O_CLOEXEC;

/** The longest directory, without a slash at its end, that all paths lie below. */
function commonDirectory(paths: readonly string[]): string {
  const [first = ""] = paths;
  let directory = first.slice(0, first.lastIndexOf("/"));
  while (directory !== "" && !paths.every((path) => path.startsWith(`${directory}/`))) {
    directory = directory.slice(0, directory.lastIndexOf("/"));
  }
  return directory;
}

/** unshare(2): a mount namespace of this thread's own, from which no mount gets out. @throws {SyscallError} */
export function enterOwnMounts(kernel: Kernel): void {
  const doing = { doing: "make a mount namespace" };
  checkedCall(kernel, doing, "unshare", CLONE_NEW.CLONE_NEWNS);
  checkedCall(kernel, doing, "mount", "", "/", "", (PROPAGATION.MS_PRIVATE | MS_REC) >>> 0, "");
}

/** A path is mounted over at most this often. */
const MAX_LAYERS = 64;

/** umount2(2), MNT_DETACH, of all that is mounted at a path; where nothing is, or no path, there is nothing to do. */
export function unmountAll(kernel: Kernel, target: string): void {
  for (let layer = 0; layer < MAX_LAYERS; layer++) {
    const result = kernel.call("umount2", target, UMOUNT.MNT_DETACH | UMOUNT.UMOUNT_NOFOLLOW);
    if (result === -errnoNumber("EINVAL") || result === -errnoNumber("ENOENT")) return;
    if (result < 0) throw new ContainerError("internal", `cannot unmount ${target}: ${errnoText(-result)}`);
  }
}
