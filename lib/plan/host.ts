import type { Architecture } from "../linux/constants/syscalls.ts";
import type { SecurityModules } from "./labels.ts";
import type { ResctrlHost } from "./resctrl.ts";
import type { LoadableFilter } from "./seccomp/compile.ts";
import type { ScopeName } from "./systemd/unit.ts";

/**
 * What a plan has to know of the machine and of its caller. Gathered once by lib/runtime, so that compiling stays
 * pure: same config, same host, same program.
 */
export interface Host {
  readonly architecture: Architecture;
  /** The number of the last capability this kernel knows. */
  readonly lastCapability: number;
  /** RLIMIT_NOFILE of the caller; Bun raises that of its own process. */
  readonly nofile: { readonly soft: bigint; readonly hard: bigint };
  /** The signals that this process ignores: its caller did, or Bun does. */
  readonly ignoredSignals: readonly number[];
  /** Which of the descriptors 0, 1 and 2 are the host's /dev/null. */
  readonly nullStdio: readonly number[];
  /** Which of them become the container user's own. */
  readonly givenStdio: readonly number[];
  readonly cgroups: CgroupHost;
  /** What a mount of type cgroup shows where the container joins no cgroup of its own: those of the runtime. */
  readonly cgroupView?: CgroupHost;
  /** What the runtime lacks when it is not root of the host; absent when it is. */
  readonly rootless?: Rootless;
  /** proc_pid_setgroups(5) of the user namespace a process is in already; absent where nothing but `allow` can be. */
  readonly setgroups?: "allow" | "deny";
  /** The systemd unit the container gets; absent when its cgroups are made by cgroupfs alone. */
  readonly scope?: ScopeName;
  /** Where the host has proc and sysfs, for a container whose root is not pivoted. */
  readonly kernelMounts?: readonly string[];
  /** Known when the config has `linux.intelRdt`. */
  readonly resctrl?: ResctrlHost;
  /** Known when the config asks for a label. */
  readonly securityModules?: SecurityModules;
  /** The mount point below which the rootfs lies; known when `linux.rootfsPropagation` needs it. */
  readonly rootfsMountPoint?: string;
}

/** A runtime without the privilege of the host's root. */
export interface Rootless {
  /** Effective ids. 0 is the root of a user namespace, with all capabilities in it and none over the host. */
  readonly uid: number;
  readonly gid: number;
  /** Absolute paths of newuidmap(1) and newgidmap(1), where there are any. */
  readonly newuidmap?: string;
  readonly newgidmap?: string;
}

/** An ordinary user, who has capabilities in no user namespace but those that it makes. */
export function isOrdinaryUser({ rootless }: Host): boolean {
  return rootless !== undefined && rootless.uid !== 0;
}

/** The cgroup set-up of the host: cgroup v2 alone, or v1 hierarchies, with a v2 one beside them when hybrid. */
export type CgroupHost = CgroupV2Host | CgroupV1Host;

export interface CgroupV2Host {
  readonly mode: "v2";
  /** Absolute path of the container's cgroup directory. */
  readonly directory: string;
  /** Where the cgroup2 filesystem is mounted. */
  readonly mountPoint: string;
  /** Those of the root's cgroup.controllers. */
  readonly controllers: readonly string[];
  /** The files that go with a cgroup to its owner, as the kernel lists them; known when a container gets its cgroup. */
  readonly delegated?: readonly string[];
}

export interface CgroupV1Host {
  readonly mode: "v1";
  readonly hierarchies: readonly Hierarchy[];
  /** Directories the runtime may not write to, so that they are not among the hierarchies; limits need them. */
  readonly denied?: readonly string[];
  /** The container's directory in the v2 hierarchy of a hybrid set-up, which carries no controllers. */
  readonly unified?: { readonly directory: string; readonly mountPoint: string };
}

/** One mounted hierarchy of cgroup v1. */
export interface Hierarchy {
  /** What it is called in /proc/self/cgroup: `cpu`, `cpuacct`; `name=systemd` for a named one. */
  readonly controllers: readonly string[];
  readonly mountPoint: string;
  /** Absolute path of the container's directory. */
  readonly directory: string;
  /** cpuset only: what new directories start with, the nearest parent's; `fill` are those that have no value yet. */
  readonly cpuset?: { readonly cpus: string; readonly mems: string; readonly fill: readonly string[] };
}

/** What the caller of the runtime asked for. */
export interface Request {
  readonly id: string;
  /** Absolute path of the rootfs, without symbolic links. */
  readonly rootfs: string;
  /** Absolute path of the bundle. */
  readonly bundle: string;
  /** The compiled `linux.seccomp`. */
  readonly filter?: LoadableFilter | undefined;
  /** The pid init has in its own pid namespace, which is what its hooks are told. */
  readonly initPid: number;
  readonly noPivot: boolean;
  readonly noNewKeyring: boolean;
  /** How many descriptors after 2 the container keeps. */
  readonly preserveFds: number;
}
