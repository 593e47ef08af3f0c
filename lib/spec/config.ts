/**
 * The types of config.json, runtime-spec 1.3: config.md and config-linux.md; linux.resources is in `resources.ts`, linux.seccomp in `seccomp.ts`.
 *
 * A value of these types came through `parseConfig()`: enums, ranges and the rules between properties hold, and a
 * property that was `null` or an optional `""` is absent, as it is for runc. Properties the spec does not know may be
 * there too. Integers are JSON numbers: a uint64 above 2^53 (RLIM_INFINITY, seccomp values) is rounded to the nearest
 * double, so that 2^64-1 reads as 2^64; turn such a quantity into a bigint with `toUint64()` of `uint64.ts`.
 */
import type { DeviceRuleType, LinuxResources } from "./resources.ts";
import type { Seccomp } from "./seccomp.ts";

/** config.md: the whole document. */
export interface Config {
  /** Semantic version of the spec the bundle follows; major 1. */
  readonly ociVersion: string;
  readonly root: Root;
  /** Absent: the container can be created but not started. */
  readonly process?: Process;
  readonly hostname?: string;
  readonly domainname?: string;
  /** Mounted in this order. */
  readonly mounts?: readonly Mount[];
  readonly hooks?: Hooks;
  readonly annotations?: StringMap;
  readonly linux?: Linux;
  readonly solaris?: OtherPlatform;
  readonly windows?: OtherPlatform;
  readonly vm?: OtherPlatform;
  readonly zos?: OtherPlatform;
  readonly freebsd?: OtherPlatform;
}

/** A JSON object whose values are strings. */
export type StringMap = Readonly<Record<string, string>>;

/** The section of a platform that is not ours: carried, not read. */
export type OtherPlatform = Readonly<Record<string, unknown>>;

/** config.md § Root */
export interface Root {
  /** Absolute, or relative to the bundle. */
  readonly path: string;
  readonly readonly?: boolean;
}

/** config.md § Mounts */
export interface Mount {
  /** Absolute in the container; spec 1.2 tolerates a relative one, which starts at `/`. */
  readonly destination: string;
  readonly type?: string;
  /** For a bind mount a host path, absolute or relative to the bundle. */
  readonly source?: string;
  readonly options?: readonly string[];
  readonly uidMappings?: readonly IdMapping[];
  readonly gidMappings?: readonly IdMapping[];
}

/** config-linux.md § User namespace mappings */
export interface IdMapping {
  readonly containerID: number;
  readonly hostID: number;
  readonly size: number;
}

/** config.md § Process; also the document of `exec --process`. */
export interface Process {
  readonly terminal?: boolean;
  readonly consoleSize?: ConsoleSize;
  readonly user?: User;
  readonly cwd: string;
  /** Each `NAME=value`. */
  readonly env?: readonly string[];
  /** The first names the program; never empty in a config that starts a process. */
  readonly args?: readonly string[];
  readonly rlimits?: readonly Rlimit[];
  readonly apparmorProfile?: string;
  readonly capabilities?: Capabilities;
  readonly noNewPrivileges?: boolean;
  /** -1000..1000; absent: inherited. */
  readonly oomScoreAdj?: number;
  readonly scheduler?: Scheduler;
  readonly selinuxLabel?: string;
  readonly ioPriority?: IoPriority;
  readonly execCPUAffinity?: ExecCpuAffinity;
  /** Windows only. */
  readonly commandLine?: string;
}

/** In characters. */
export interface ConsoleSize {
  readonly height: number;
  readonly width: number;
}

/** config.md § POSIX-platform User */
export interface User {
  readonly uid?: number;
  readonly gid?: number;
  readonly umask?: number;
  readonly additionalGids?: readonly number[];
  /** Windows only. */
  readonly username?: string;
}

/** getrlimit(2) */
export interface Rlimit {
  readonly type: RlimitType;
  readonly soft: number;
  readonly hard: number;
}

/** getrlimit(2): the resources Linux has. */
export type RlimitType =
  | "RLIMIT_AS"
  | "RLIMIT_CORE"
  | "RLIMIT_CPU"
  | "RLIMIT_DATA"
  | "RLIMIT_FSIZE"
  | "RLIMIT_LOCKS"
  | "RLIMIT_MEMLOCK"
  | "RLIMIT_MSGQUEUE"
  | "RLIMIT_NICE"
  | "RLIMIT_NOFILE"
  | "RLIMIT_NPROC"
  | "RLIMIT_RSS"
  | "RLIMIT_RTPRIO"
  | "RLIMIT_RTTIME"
  | "RLIMIT_SIGPENDING"
  | "RLIMIT_STACK";

/** capabilities(7): names such as `CAP_KILL`; one that nobody knows is a warning, not an error. */
export interface Capabilities {
  readonly bounding?: readonly string[];
  readonly effective?: readonly string[];
  readonly inheritable?: readonly string[];
  readonly permitted?: readonly string[];
  readonly ambient?: readonly string[];
}

/** sched_setattr(2) */
export interface Scheduler {
  readonly policy: SchedulerPolicy;
  /** -20..19 */
  readonly nice?: number;
  readonly priority?: number;
  readonly flags?: readonly SchedulerFlag[];
  /** Nanoseconds, SCHED_DEADLINE only; so are the next two. */
  readonly runtime?: number;
  readonly deadline?: number;
  readonly period?: number;
}

export type SchedulerPolicy =
  | "SCHED_OTHER"
  | "SCHED_FIFO"
  | "SCHED_RR"
  | "SCHED_BATCH"
  | "SCHED_ISO"
  | "SCHED_IDLE"
  | "SCHED_DEADLINE";

export type SchedulerFlag =
  | "SCHED_FLAG_RESET_ON_FORK"
  | "SCHED_FLAG_RECLAIM"
  | "SCHED_FLAG_DL_OVERRUN"
  | "SCHED_FLAG_KEEP_POLICY"
  | "SCHED_FLAG_KEEP_PARAMS"
  | "SCHED_FLAG_UTIL_CLAMP_MIN"
  | "SCHED_FLAG_UTIL_CLAMP_MAX";

/** ioprio_set(2) */
export interface IoPriority {
  readonly class: "IOPRIO_CLASS_RT" | "IOPRIO_CLASS_BE" | "IOPRIO_CLASS_IDLE";
  /** 0..7, 0 the highest; absent: 0. */
  readonly priority?: number;
}

/** CPU lists as in cpuset(7), e.g. `0-3,7`; used by `exec` only. */
export interface ExecCpuAffinity {
  /** Before the process joins the container's cgroup. */
  readonly initial?: string;
  /** After it. */
  readonly final?: string;
}

/** config.md § POSIX-platform Hooks, in the order they run. */
export interface Hooks {
  /** Deprecated; runs just before `createRuntime`. */
  readonly prestart?: readonly Hook[];
  readonly createRuntime?: readonly Hook[];
  readonly createContainer?: readonly Hook[];
  readonly startContainer?: readonly Hook[];
  readonly poststart?: readonly Hook[];
  readonly poststop?: readonly Hook[];
}

export type HookName = keyof Hooks;

export interface Hook {
  readonly path: string;
  /** With argv[0]; absent: the path alone. */
  readonly args?: readonly string[];
  /** The whole environment. */
  readonly env?: readonly string[];
  /** Seconds, more than 0. */
  readonly timeout?: number;
}

/** config-linux.md */
export interface Linux {
  readonly namespaces?: readonly LinuxNamespace[];
  readonly uidMappings?: readonly IdMapping[];
  readonly gidMappings?: readonly IdMapping[];
  readonly timeOffsets?: Readonly<Partial<Record<"monotonic" | "boottime", TimeOffset>>>;
  readonly devices?: readonly LinuxDevice[];
  /** Keyed by the name of the interface in the runtime's network namespace. */
  readonly netDevices?: Readonly<Record<string, NetDevice>>;
  readonly sysctl?: StringMap;
  /** For the systemd driver `slice:prefix:name`. */
  readonly cgroupsPath?: string;
  readonly resources?: LinuxResources;
  readonly rootfsPropagation?: RootfsPropagation;
  readonly seccomp?: Seccomp;
  readonly maskedPaths?: readonly string[];
  readonly readonlyPaths?: readonly string[];
  readonly mountLabel?: string;
  readonly intelRdt?: IntelRdt;
  readonly memoryPolicy?: MemoryPolicy;
  readonly personality?: Personality;
}

/** config-linux.md § Namespaces: without a path a new one, with a path the one to join. */
export interface LinuxNamespace {
  readonly type: NamespaceType;
  readonly path?: string;
}

export type NamespaceType = "pid" | "network" | "mount" | "ipc" | "uts" | "user" | "cgroup" | "time";

/** time_namespaces(7) */
export interface TimeOffset {
  readonly secs?: number;
  /** 0..999999999, also when `secs` is negative. */
  readonly nanosecs?: number;
}

/** mknod(2) */
export interface LinuxDevice {
  readonly path: string;
  /** `u` is `c` by another name. */
  readonly type: Exclude<DeviceRuleType, "a"> | "u" | "p";
  /** Required unless the type is `p`; so is `minor`. */
  readonly major?: number;
  readonly minor?: number;
  /** Permission bits; absent: 0666. */
  readonly fileMode?: number;
  readonly uid?: number;
  readonly gid?: number;
}

/** config-linux.md § Network Devices */
export interface NetDevice {
  /** Its name in the container; absent: the name it had. */
  readonly name?: string;
}

export type RootfsPropagation =
  | "shared"
  | "slave"
  | "private"
  | "unbindable"
  | "rshared"
  | "rslave"
  | "rprivate"
  | "runbindable";

/** config-linux.md § IntelRdt, resctrl */
export interface IntelRdt {
  readonly closID?: string;
  readonly schemata?: readonly string[];
  readonly l3CacheSchema?: string;
  readonly memBwSchema?: string;
  readonly enableMonitoring?: boolean;
}

/** set_mempolicy(2) */
export interface MemoryPolicy {
  readonly mode: MemoryPolicyMode;
  /** A node list such as `0-1,3`. */
  readonly nodes?: string;
  readonly flags?: readonly ("MPOL_F_NUMA_BALANCING" | "MPOL_F_RELATIVE_NODES" | "MPOL_F_STATIC_NODES")[];
}

export type MemoryPolicyMode =
  | "MPOL_DEFAULT"
  | "MPOL_PREFERRED"
  | "MPOL_BIND"
  | "MPOL_INTERLEAVE"
  | "MPOL_LOCAL"
  | "MPOL_PREFERRED_MANY"
  | "MPOL_WEIGHTED_INTERLEAVE";

/** personality(2) */
export interface Personality {
  readonly domain: "LINUX" | "LINUX32";
  /** The spec defines none; runc ignores what is there. */
  readonly flags?: readonly string[];
}
