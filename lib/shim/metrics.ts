import { io } from "../../proto/gen/metrics.js";
import type { Input } from "../../proto/gen/types.d.ts";
import { parseKeyed } from "../linux/cgroup/parse-values.ts";
import type { BlkioEntry, BlkioTable, CgroupStats, Usage } from "../linux/cgroup/stats.ts";
import { readStatsV1 } from "../linux/cgroup/stats-v1.ts";
import { readStatsV2 } from "../linux/cgroup/stats-v2.ts";
import { findText } from "../linux/files.ts";
import type { Kernel } from "../linux/kernel.ts";
import type { CgroupPlaces } from "./runtime.ts";

type MetricsV1 = Input<io.containerd.cgroups.v1.Metrics>;
type MetricsV2 = Input<io.containerd.cgroups.v2.Metrics>;
type Int64 = Exclude<NonNullable<Input<io.containerd.cgroups.v1.PidsStat>["current"]>, number>;

/** A message in google.protobuf.Any. */
interface AnyMessage {
  readonly typeUrl: string;
  readonly value: Uint8Array;
}

/** metrics-v1.proto and metrics-v2.proto: what a container's cgroups have counted so far. */
export function readMetrics(kernel: Kernel, { mode, directories }: CgroupPlaces): AnyMessage {
  if (mode === "v1") {
    const memory = directories.get("memory");
    const control = memory === undefined ? undefined : findText(kernel, `${memory}/memory.oom_control`, ...GONE);
    const value = io.containerd.cgroups.v1.Metrics.encode(toV1(readStatsV1(kernel, directories), control)).finish();
    return { typeUrl: "io.containerd.cgroups.v1.Metrics", value };
  }
  const [directory = ""] = directories.values();
  const events = findText(kernel, `${directory}/memory.events`, ...GONE);
  const value = io.containerd.cgroups.v2.Metrics.encode(toV2(readStatsV2(kernel, directory), events)).finish();
  return { typeUrl: "io.containerd.cgroups.v2.Metrics", value };
}

const GONE = ["ENOENT", "ENODEV", "EOPNOTSUPP"] as const;
const MASK = 0xffff_ffffn;

/** uint64 as two halves; what is larger than 2^64-1 wraps, which no counter is. */
function uint64(value: bigint): Int64 {
  return {
    low: Number(BigInt.asIntN(32, value)),
    high: Number(BigInt.asIntN(32, value / (MASK + 1n))),
    unsigned: true,
  };
}

/** Fields of a message from lines of a file: `total_pg_fault` of memory.stat is `totalPgFault`. */
function fieldsOf(raw: ReadonlyMap<string, bigint>, names: Readonly<Record<string, string>>): Record<string, Int64> {
  const found = Object.entries(names).flatMap(([field, line]): (readonly [string, Int64])[] => {
    const value = raw.get(line);
    return value === undefined ? [] : [[field, uint64(value)]];
  });
  return Object.fromEntries(found);
}

/** The lines of memory.stat of v1 by their fields; with `total_` before them they are those of the cgroups below, too. */
const MEMORY_V1: Readonly<Record<string, string>> = {
  cache: "cache",
  rss: "rss",
  rssHuge: "rss_huge",
  mappedFile: "mapped_file",
  dirty: "dirty",
  writeback: "writeback",
  pgPgIn: "pgpgin",
  pgPgOut: "pgpgout",
  pgFault: "pgfault",
  pgMajFault: "pgmajfault",
  inactiveAnon: "inactive_anon",
  activeAnon: "active_anon",
  inactiveFile: "inactive_file",
  activeFile: "active_file",
  unevictable: "unevictable",
};

const HIERARCHICAL_V1 = {
  hierarchicalMemoryLimit: "hierarchical_memory_limit",
  hierarchicalSwapLimit: "hierarchical_memsw_limit",
};

const TOTALS_V1 = Object.fromEntries(
  Object.entries(MEMORY_V1).map(([field, line]) => [
    `total${field.charAt(0).toUpperCase()}${field.slice(1)}`,
    `total_${line}`,
  ]),
);

function toV1(stats: CgroupStats, oomControl: string | undefined): MetricsV1 {
  const { cpu, memory, pids, blkio, hugetlb } = stats;
  const oom = parseKeyed(oomControl ?? "");
  const names = { ...MEMORY_V1, ...TOTALS_V1, ...HIERARCHICAL_V1 };
  return {
    hugetlb: [...hugetlb].map(([pagesize, usage]) => ({ ...usageOf(usage), pagesize, limit: undefined })),
    pids: { current: uint64(pids.current), limit: uint64(pids.limit) },
    cpu: {
      usage: {
        total: uint64(cpu.total),
        kernel: uint64(cpu.kernel),
        user: uint64(cpu.user),
        perCpu: cpu.percpu.map(uint64),
      },
      throttling: {
        periods: uint64(cpu.periods),
        throttledPeriods: uint64(cpu.throttledPeriods),
        throttledTime: uint64(cpu.throttledTime),
      },
    },
    memory: {
      ...fieldsOf(memory.raw, names),
      usage: usageOf(memory.usage),
      swap: usageOf(memory.swap),
      kernel: usageOf(memory.kernel),
      kernelTcp: usageOf(memory.kernelTcp),
    },
    blkio: Object.fromEntries(
      Object.entries(BLKIO_FIELDS).map(([table, field]) => [field, blkioOf(blkio.tables[table as BlkioTable])]),
    ),
    memoryOomControl: fieldsOf(oom, { oomKillDisable: "oom_kill_disable", underOom: "under_oom", oomKill: "oom_kill" }),
  };
}

function usageOf({ limit, usage, max, failcnt }: Usage) {
  return { limit: uint64(limit), usage: uint64(usage), max: uint64(max), failcnt: uint64(failcnt) };
}

const BLKIO_FIELDS: Readonly<Record<BlkioTable, string>> = {
  ioServiceBytesRecursive: "ioServiceBytesRecursive",
  ioServicedRecursive: "ioServicedRecursive",
  ioQueueRecursive: "ioQueuedRecursive",
  ioServiceTimeRecursive: "ioServiceTimeRecursive",
  ioWaitTimeRecursive: "ioWaitTimeRecursive",
  ioMergedRecursive: "ioMergedRecursive",
  ioTimeRecursive: "ioTimeRecursive",
  sectorsRecursive: "sectorsRecursive",
};

function blkioOf(entries: readonly BlkioEntry[] = []) {
  return entries.map(({ op, major, minor, value }) => ({
    op,
    major: uint64(major),
    minor: uint64(minor),
    value: uint64(value),
  }));
}

const MEMORY_V2: Readonly<Record<string, string>> = Object.fromEntries(
  (
    "anon file kernel_stack slab sock shmem file_mapped file_dirty file_writeback anon_thp inactive_anon active_anon " +
    "inactive_file active_file unevictable slab_reclaimable slab_unreclaimable pgfault pgmajfault workingset_refault " +
    "workingset_activate workingset_nodereclaim pgrefill pgscan pgsteal pgactivate pgdeactivate pglazyfree pglazyfreed " +
    "thp_fault_alloc thp_collapse_alloc"
  )
    .split(" ")
    .map((line) => [line.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase()), line]),
);

const NANOSECONDS = 1000n;

function toV2(stats: CgroupStats, memoryEvents: string | undefined): MetricsV2 {
  const { cpu, memory, pids, blkio, hugetlb } = stats;
  const swap = (both: bigint, alone: bigint) => uint64(both > alone ? both - alone : 0n);
  return {
    pids: { current: uint64(pids.current), limit: uint64(pids.limit) },
    cpu: {
      usageUsec: uint64(cpu.total / NANOSECONDS),
      userUsec: uint64(cpu.user / NANOSECONDS),
      systemUsec: uint64(cpu.kernel / NANOSECONDS),
      nrPeriods: uint64(cpu.periods),
      nrThrottled: uint64(cpu.throttledPeriods),
      throttledUsec: uint64(cpu.throttledTime / NANOSECONDS),
    },
    memory: {
      ...fieldsOf(memory.raw, MEMORY_V2),
      usage: uint64(memory.usage.usage),
      usageLimit: uint64(memory.usage.limit),
      swapUsage: swap(memory.swap.usage, memory.usage.usage),
      swapLimit: memory.swap.limit === UNLIMITED ? uint64(UNLIMITED) : swap(memory.swap.limit, memory.usage.limit),
    },
    io: { usage: ioEntries(blkio.tables) },
    hugetlb: [...hugetlb].map(([pagesize, { usage, limit }]) => ({
      pagesize,
      current: uint64(usage),
      max: uint64(limit),
    })),
    memoryEvents: fieldsOf(parseKeyed(memoryEvents ?? ""), {
      low: "low",
      high: "high",
      max: "max",
      oom: "oom",
      oomKill: "oom_kill",
    }),
  };
}

const UNLIMITED = 2n ** 64n - 1n;

/** One entry a device, from tables with an entry for each operation. */
function ioEntries(tables: CgroupStats["blkio"]["tables"]) {
  const value = (table: BlkioTable, op: string, { major, minor }: BlkioEntry) =>
    uint64(
      tables[table]?.find((entry) => entry.op === op && entry.major === major && entry.minor === minor)?.value ?? 0n,
    );
  return (tables.ioServiceBytesRecursive ?? [])
    .filter(({ op }) => op === "Read")
    .map((device) => ({
      major: uint64(device.major),
      minor: uint64(device.minor),
      rbytes: value("ioServiceBytesRecursive", "Read", device),
      wbytes: value("ioServiceBytesRecursive", "Write", device),
      rios: value("ioServicedRecursive", "Read", device),
      wios: value("ioServicedRecursive", "Write", device),
    }));
}
