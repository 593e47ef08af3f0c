import { FILE_TYPE } from "../linux/constants/files.ts";
import { RLIMITS } from "../linux/constants/processes.ts";
import { findStatus, readText } from "../linux/files.ts";
import type { Kernel } from "../linux/kernel.ts";
import type { Host } from "../plan/host.ts";
import { needsRootfsMountPoint } from "../plan/rootfs.ts";
import type { Config } from "../spec/config.ts";
import { locateCgroups } from "./cgroup-path.ts";

const STDIO = [0, 1, 2];

/** What the plan of this config has to know about this machine and the caller. */
export function gatherHost(kernel: Kernel, config: Config, id: string, rootfs: string): Host {
  const host: Host = {
    architecture: kernel.architecture,
    lastCapability: Number(readText(kernel, "/proc/sys/kernel/cap_last_cap")),
    nofile: callerNofile(kernel),
    nullStdio: findNullStdio(kernel),
    cgroups: locateCgroups(kernel, config.linux?.cgroupsPath ?? "", id),
  };
  if (!needsRootfsMountPoint(config.linux ?? {})) return host;
  return { ...host, rootfsMountPoint: mountPointOf(kernel, rootfs) };
}

/**
 * Bun raises the soft limit of its own process to the hard one at start, so the caller's is read off the parent, which
 * is the caller or a shell of it.
 */
function callerNofile(kernel: Kernel): Host["nofile"] {
  const [, hard = 0n] = readNofile(kernel, 0);
  const [soft = hard] = readNofile(kernel, kernel.call("getppid"));
  return { soft: lower(soft, hard), hard };
}

function lower(one: bigint, other: bigint): bigint {
  if (one > other) return other;
  return one;
}

/** prlimit(2): soft and hard limit; empty when they are not ours to read. */
function readNofile(kernel: Kernel, pid: number): readonly bigint[] {
  const limit = new BigUint64Array(2);
  return kernel.call("prlimit64", pid, RLIMITS.RLIMIT_NOFILE, 0, limit) === 0 ? [...limit] : [];
}

function findNullStdio(kernel: Kernel): readonly number[] {
  return STDIO.filter((fd) => {
    const status = findStatus(kernel, fd);
    return status?.type === FILE_TYPE.S_IFCHR && status.deviceMajor === 1 && status.deviceMinor === 3;
  });
}

/** proc_pid_mountinfo(5): the mount that a path lies on. */
function mountPointOf(kernel: Kernel, path: string): string {
  const points = readText(kernel, "/proc/self/mountinfo")
    .split("\n")
    .map((line) => unescapeMount(line.split(" ")[4] ?? ""))
    .filter((point) => point === "/" || path === point || path.startsWith(`${point}/`));
  return points.reduce((longest, point) => (point.length > longest.length ? point : longest), "/");
}

function unescapeMount(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
}
