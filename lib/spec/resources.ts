import type { StringMap } from "./config.ts";

/** config-linux.md § Control groups; also the document of `update --resources`. */
export interface LinuxResources {
  /** Applied in this order. */
  readonly devices?: readonly DeviceRule[];
  readonly memory?: LinuxMemory;
  readonly cpu?: LinuxCpu;
  readonly pids?: LinuxPids;
  readonly blockIO?: LinuxBlockIo;
  readonly hugepageLimits?: readonly HugepageLimit[];
  readonly network?: LinuxNetwork;
  /** Keyed by the name of the RDMA device. */
  readonly rdma?: Readonly<Record<string, LinuxRdma>>;
  /** cgroup v2 only: file name → content. */
  readonly unified?: StringMap;
}

/** `a`: every device. */
export type DeviceRuleType = "a" | "b" | "c";

/** config-linux.md § Allowed Device list */
export interface DeviceRule {
  readonly allow: boolean;
  /** Absent: `a`. */
  readonly type?: DeviceRuleType;
  /** Absent or -1: any; so is `minor`. */
  readonly major?: number;
  readonly minor?: number;
  /** Letters of `rwm`. */
  readonly access?: string;
}

/** Limits in bytes, -1 for unlimited. */
export interface LinuxMemory {
  readonly limit?: number;
  readonly reservation?: number;
  /** Memory and swap together. */
  readonly swap?: number;
  /** Deprecated; so is `kernelTCP`. */
  readonly kernel?: number;
  readonly kernelTCP?: number;
  /** 0..100 */
  readonly swappiness?: number;
  readonly disableOOMKiller?: boolean;
  readonly useHierarchy?: boolean;
  readonly checkBeforeUpdate?: boolean;
}

/** Times in microseconds. */
export interface LinuxCpu {
  readonly shares?: number;
  /** -1: unlimited. */
  readonly quota?: number;
  readonly burst?: number;
  readonly period?: number;
  readonly realtimeRuntime?: number;
  readonly realtimePeriod?: number;
  /** A list such as `0-3,7`; so is `mems`. */
  readonly cpus?: string;
  readonly mems?: string;
  /** 1: SCHED_IDLE. */
  readonly idle?: number;
}

export interface LinuxPids {
  /** -1: unlimited; 0 is a limit since spec 1.3. */
  readonly limit?: number;
}

/** Weights 10..1000. */
export interface LinuxBlockIo {
  readonly weight?: number;
  readonly leafWeight?: number;
  readonly weightDevice?: readonly WeightDevice[];
  readonly throttleReadBpsDevice?: readonly ThrottleDevice[];
  readonly throttleWriteBpsDevice?: readonly ThrottleDevice[];
  readonly throttleReadIOPSDevice?: readonly ThrottleDevice[];
  readonly throttleWriteIOPSDevice?: readonly ThrottleDevice[];
}

export interface WeightDevice {
  readonly major: number;
  readonly minor: number;
  readonly weight?: number;
  readonly leafWeight?: number;
}

export interface ThrottleDevice {
  readonly major: number;
  readonly minor: number;
  /** Bytes or operations a second; 0 or absent: unlimited. */
  readonly rate?: number;
}

export interface HugepageLimit {
  /** `2MB`, `1GB` … */
  readonly pageSize: string;
  /** Bytes. */
  readonly limit: number;
}

/** cgroup v1 net_cls and net_prio. */
export interface LinuxNetwork {
  readonly classID?: number;
  readonly priorities?: readonly InterfacePriority[];
}

export interface InterfacePriority {
  readonly name: string;
  readonly priority: number;
}

export interface LinuxRdma {
  readonly hcaHandles?: number;
  readonly hcaObjects?: number;
}
