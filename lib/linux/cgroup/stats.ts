/** What a cgroup has used and may use. Times in nanoseconds, sizes in bytes; everything the kernel counts is a bigint. */
export interface CgroupStats {
  readonly cpu: CpuStats;
  /** v1 only. */
  readonly cpuset?: CpusetStats;
  readonly memory: MemoryStats;
  readonly pids: { readonly current: bigint; readonly limit: bigint };
  readonly blkio: BlkioStats;
  /** By page size, e.g. `2MB`. */
  readonly hugetlb: ReadonlyMap<string, Usage>;
}

export interface CpuStats {
  readonly total: bigint;
  readonly kernel: bigint;
  readonly user: bigint;
  /** By processor; v1 only. */
  readonly percpu: readonly bigint[];
  readonly percpuKernel: readonly bigint[];
  readonly percpuUser: readonly bigint[];
  readonly periods: bigint;
  readonly throttledPeriods: bigint;
  readonly throttledTime: bigint;
  readonly pressure?: Pressure;
}

export interface CpusetStats {
  readonly cpus: readonly number[];
  readonly mems: readonly number[];
  /** cpuset(7): the files without `cpuset.`, those with one number. */
  readonly numbers: ReadonlyMap<string, bigint>;
}

export interface Usage {
  readonly limit: bigint;
  readonly usage: bigint;
  readonly max: bigint;
  readonly failcnt: bigint;
}

export interface MemoryStats {
  readonly cache: bigint;
  readonly usage: Usage;
  /** Memory and swap together. */
  readonly swap: Usage;
  readonly kernel: Usage;
  readonly kernelTcp: Usage;
  /** memory.stat */
  readonly raw: ReadonlyMap<string, bigint>;
  readonly pressure?: Pressure;
}

export interface BlkioEntry {
  readonly major: bigint;
  readonly minor: bigint;
  readonly op: string;
  readonly value: bigint;
}

/** The tables of the block layer, by runc's names. */
export type BlkioTable =
  | "ioServiceBytesRecursive"
  | "ioServicedRecursive"
  | "ioQueueRecursive"
  | "ioServiceTimeRecursive"
  | "ioWaitTimeRecursive"
  | "ioMergedRecursive"
  | "ioTimeRecursive"
  | "sectorsRecursive";

export interface BlkioStats {
  readonly tables: Readonly<Partial<Record<BlkioTable, readonly BlkioEntry[]>>>;
  readonly pressure?: Pressure;
}

/** kernel.org, PSI: shares of time in percent, and microseconds. */
export interface PressureLine {
  readonly avg10: number;
  readonly avg60: number;
  readonly avg300: number;
  readonly total: bigint;
}

export interface Pressure {
  readonly some: PressureLine;
  readonly full: PressureLine;
}

export const NO_USAGE: Usage = { limit: 0n, usage: 0n, max: 0n, failcnt: 0n };
