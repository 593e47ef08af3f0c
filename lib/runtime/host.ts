import { FILE_TYPE } from "../linux/constants/files.ts";
import { RLIMITS } from "../linux/constants/processes.ts";
import { findStatus, findText, readText } from "../linux/files.ts";
import type { Kernel } from "../linux/kernel.ts";
import { findSecurityModules } from "../linux/security-modules.ts";
import { cgroupOwner } from "../plan/cgroup/delegate.ts";
import type { CgroupHost, Host } from "../plan/host.ts";
import { needsSecurityModules } from "../plan/labels.ts";
import { needsRootfsMountPoint } from "../plan/rootfs.ts";
import type { ScopeName } from "../plan/systemd/unit.ts";
import type { Config } from "../spec/config.ts";
import { locateCgroups } from "./cgroup-path.ts";
import { isBelow, type MountEntry, mountOf, readMounts } from "./mount-table.ts";
import type { RuntimeOptions, Stdio } from "./options.ts";
import { findResctrl } from "./resctrl.ts";
import { findRootless, readSetgroups, withoutDenied } from "./rootless.ts";

const OWN_STDIO: Stdio = [0, 1, 2];

/** What the facts depend on besides the config. */
export interface HostContext {
  readonly id: string;
  readonly rootfs: string;
  readonly foreground: boolean;
  readonly noPivot: boolean;
  readonly stdio?: Stdio | undefined;
  readonly nofile?: Host["nofile"] | undefined;
  /** The process whose user namespace is that of the container already; for `exec`. */
  readonly setgroupsOf?: number;
  /** The systemd unit that the container gets, and the cgroups it has there. */
  readonly scope?: { readonly name: ScopeName; readonly cgroups: CgroupHost } | undefined;
}

/** What of the options the facts depend on. */
export type HostOptions = Pick<RuntimeOptions, "kernel" | "rootless" | "searchPath">;

/** What the plan of this config has to know about this machine and the caller. */
export function gatherHost(options: HostOptions, config: Config, context: HostContext): Host {
  const { kernel } = options;
  const { rootfs, foreground, noPivot, scope } = context;
  const host: Host = {
    architecture: kernel.architecture,
    lastCapability: Number(readText(kernel, "/proc/sys/kernel/cap_last_cap")),
    nofile: context.nofile ?? callerNofile(kernel),
    ignoredSignals: ignoredSignals(kernel),
    ...lookAtStdio(kernel, foreground, context.stdio ?? OWN_STDIO),
    ...gatherPrivilege(options, config, context),
    ...(scope === undefined ? {} : { scope: scope.name }),
  };
  const facts = {
    ...host,
    ...(needsSecurityModules(config) ? { securityModules: findSecurityModules(kernel) } : {}),
    ...(config.linux?.intelRdt === undefined ? {} : { resctrl: findResctrl(kernel, config.linux.intelRdt.closID) }),
  };
  const needsMountPoint = needsRootfsMountPoint(config.linux ?? {});
  if (!needsMountPoint && !noPivot) return facts;
  const mounts = readMounts(readText(kernel, "/proc/self/mountinfo"));
  return {
    ...facts,
    ...(needsMountPoint ? { rootfsMountPoint: mountOf(mounts, rootfs)?.point ?? "/" } : {}),
    ...(noPivot ? { kernelMounts: kernelMountsOf(mounts, rootfs) } : {}),
  };
}

/** cgroups(7), /sys/kernel/cgroup/delegate; read where a container is given its cgroup. */
function withDelegated(kernel: Kernel, config: Config, cgroups: CgroupHost): CgroupHost {
  if (cgroups.mode === "v1" || cgroupOwner(config) === undefined) return cgroups;
  const text = findText(kernel, "/sys/kernel/cgroup/delegate");
  return text === undefined ? cgroups : { ...cgroups, delegated: text.split("\n").filter((name) => name !== "") };
}

/** Whose privilege there is, and which cgroups it reaches. */
function gatherPrivilege(
  { kernel, ...options }: HostOptions,
  config: Config,
  { id, scope, setgroupsOf }: HostContext,
): Pick<Host, "cgroups" | "cgroupView" | "rootless" | "setgroups"> {
  const { linux = {} } = config;
  const rootless = findRootless(kernel, options.searchPath ?? "");
  const located = withDelegated(kernel, config, scope?.cgroups ?? locateCgroups(kernel, linux.cgroupsPath ?? "", id));
  const mayLack = options.rootless === "auto" ? rootless !== undefined : options.rootless;
  const isGiven = scope !== undefined || linux.cgroupsPath !== undefined;
  const cgroups = mayLack && !isGiven ? withoutDenied(kernel, located) : { cgroups: located };
  if (rootless === undefined && setgroupsOf === undefined) return cgroups;
  const setgroups = readSetgroups(kernel, setgroupsOf ?? "self");
  return { ...cgroups, setgroups, ...(rootless === undefined ? {} : { rootless }) };
}

/**
 * Bun raises the soft limit of its own process to the hard one at start, so the caller's is read off the parent, which
 * is the caller or a shell of it.
 */
function callerNofile(kernel: Kernel): Host["nofile"] {
  const own = new BigUint64Array(2);
  kernel.call("prlimit64", 0, RLIMITS.RLIMIT_NOFILE, 0, own);
  const hard = own[1] ?? 0n;
  const parents = new BigUint64Array(2);
  // A parent of another user is not ours to look at.
  if (kernel.call("prlimit64", kernel.call("getppid"), RLIMITS.RLIMIT_NOFILE, 0, parents) < 0)
    return { soft: hard, hard };
  const soft = parents[0] ?? hard;
  return { soft: soft > hard ? hard : soft, hard };
}

const SIGNAL_SET = "SigIgn:\t";
const SIGNAL_SET_DIGITS = 16;
const BITS_OF_DIGIT = [0, 1, 2, 3];

/** proc_pid_status(5): bit N-1 of SigIgn is signal N. By index: a regular expression costs more than reading the file. */
export function ignoredSignals(kernel: Kernel): readonly number[] {
  const status = readText(kernel, "/proc/self/status");
  const end = status.indexOf(SIGNAL_SET) + SIGNAL_SET.length + SIGNAL_SET_DIGITS;
  const found: number[] = [];
  for (let index = 0; index < SIGNAL_SET_DIGITS; index++) {
    const digit = Number.parseInt(status[end - 1 - index] ?? "0", 16);
    for (const bit of BITS_OF_DIGIT) if (Math.floor(digit / 2 ** bit) % 2 === 1) found.push(4 * index + bit + 1);
  }
  return found;
}

/** What the standard streams are, as far as the plan has to know. */
function lookAtStdio(kernel: Kernel, foreground: boolean, stdio: Stdio): Pick<Host, "nullStdio" | "givenStdio"> {
  const nullStdio: number[] = [];
  const givenStdio: number[] = [];
  for (const [fd, source] of stdio.entries()) {
    const status = findStatus(kernel, source);
    if (status === undefined) continue;
    const isDevice = status.type === FILE_TYPE.S_IFCHR;
    if (isDevice && status.deviceMajor === 1 && status.deviceMinor === 3) nullStdio.push(fd);
    // In the foreground they are what the caller goes on to use: its files and its terminal stay its own.
    else if (!foreground || (!isDevice && status.type !== FILE_TYPE.S_IFREG)) givenStdio.push(fd);
  }
  return { nullStdio, givenStdio };
}

/** proc and sysfs of the host, but for those in the rootfs. */
function kernelMountsOf(mounts: readonly MountEntry[], rootfs: string): readonly string[] {
  return mounts
    .filter(({ point, type }) => (type === "proc" || type === "sysfs") && !isBelow(point, rootfs))
    .map(({ point }) => point);
}
