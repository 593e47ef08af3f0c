import type { io } from "../../../proto/gen/metrics.js";
import { type Measure, toNumber } from "./measure.ts";

type Metrics = io.containerd.cgroups.v1.Metrics;
type Memory = io.containerd.cgroups.v1.MemoryStat;
type BlkIO = io.containerd.cgroups.v1.BlkIOStat;

/** memory.stat: the name there, and the fields for the cgroup itself and for all below it. */
const MEMORY: readonly (readonly [name: string, own: keyof Memory, total: keyof Memory])[] = [
  ["cache", "cache", "totalCache"],
  ["rss", "rss", "totalRss"],
  ["rss_huge", "rssHuge", "totalRssHuge"],
  ["mapped_file", "mappedFile", "totalMappedFile"],
  ["dirty", "dirty", "totalDirty"],
  ["writeback", "writeback", "totalWriteback"],
  ["pgpgin", "pgPgIn", "totalPgPgIn"],
  ["pgpgout", "pgPgOut", "totalPgPgOut"],
  ["pgfault", "pgFault", "totalPgFault"],
  ["pgmajfault", "pgMajFault", "totalPgMajFault"],
  ["inactive_anon", "inactiveAnon", "totalInactiveAnon"],
  ["active_anon", "activeAnon", "totalActiveAnon"],
  ["inactive_file", "inactiveFile", "totalInactiveFile"],
  ["active_file", "activeFile", "totalActiveFile"],
  ["unevictable", "unevictable", "totalUnevictable"],
];

const ENTRIES = [
  ["usage", "usage"],
  ["swap", "swap"],
  ["kernel", "kernel"],
  ["kerneltcp", "kernelTcp"],
] as const;

const BLOCK_IO: readonly (readonly [name: string, field: keyof BlkIO])[] = [
  ["io_merged_recursive_total", "ioMergedRecursive"],
  ["io_queued_recursive_total", "ioQueuedRecursive"],
  ["io_service_bytes_recursive_bytes", "ioServiceBytesRecursive"],
  ["io_service_time_recursive_total", "ioServiceTimeRecursive"],
  ["io_serviced_recursive_total", "ioServicedRecursive"],
  ["io_time_recursive_total", "ioTimeRecursive"],
  ["sectors_recursive_total", "sectorsRecursive"],
];

/** metrics-v1.proto, by the names that containerd has for them. */
export function measuresV1(metrics: Metrics): readonly Measure[] {
  const { pids, hugetlb, memoryOomControl } = metrics;
  return [
    { name: "pids_current", help: "processes there are", value: toNumber(pids?.current) },
    { name: "pids_limit", help: "processes there may be, 0 without a limit", value: toNumber(pids?.limit) },
    ...cpuMeasures(metrics),
    ...memoryMeasures(metrics),
    {
      name: "memory_oom_total",
      help: "processes killed for want of memory",
      value: toNumber(memoryOomControl?.oomKill),
    },
    ...hugetlb.flatMap(({ pagesize: page, usage, max, failcnt }): Measure[] => [
      { name: "hugetlb_usage_bytes", help: "huge pages used", labels: { page }, value: toNumber(usage) },
      { name: "hugetlb_max_bytes", help: "huge pages used at most", labels: { page }, value: toNumber(max) },
      { name: "hugetlb_failcnt_total", help: "huge pages refused", labels: { page }, value: toNumber(failcnt) },
    ]),
    ...blockMeasures(metrics),
  ];
}

function cpuMeasures({ cpu }: Metrics): readonly Measure[] {
  if (cpu === null) return [];
  const { usage, throttling } = cpu;
  const gauge = (name: string, help: string, value: unknown): Measure => ({ name, help, value: toNumber(value) });
  return [
    gauge("cpu_total_nanoseconds", "time of processors", usage?.total),
    gauge("cpu_kernel_nanoseconds", "time of processors in the kernel", usage?.kernel),
    gauge("cpu_user_nanoseconds", "time of processors outside the kernel", usage?.user),
    ...(usage?.perCpu ?? []).map((value, index) => {
      const labels = { cpu: String(index) };
      return { name: "per_cpu_nanoseconds", help: "time of each processor", labels, value: toNumber(value) };
    }),
    gauge("cpu_throttle_periods_total", "periods", throttling?.periods),
    gauge("cpu_throttled_periods_total", "periods in which it was throttled", throttling?.throttledPeriods),
    gauge("cpu_throttled_time_nanoseconds", "time for which it was throttled", throttling?.throttledTime),
  ];
}

function memoryMeasures({ memory }: Metrics): readonly Measure[] {
  if (memory === null) return [];
  const gauge = (name: string, help: string, value: unknown): Measure => {
    return { name: `memory_${name}`, help, value: toNumber(value) };
  };
  return [
    ...MEMORY.flatMap(([name, own, total]) => [
      gauge(`${name}_bytes`, `${name} of memory.stat`, memory[own]),
      gauge(`total_${name}_bytes`, `total_${name} of memory.stat`, memory[total]),
    ]),
    gauge("hierarchical_memory_limit_bytes", "the lowest limit here and above", memory.hierarchicalMemoryLimit),
    gauge("hierarchical_memsw_limit_bytes", "the same with swap", memory.hierarchicalSwapLimit),
    ...ENTRIES.flatMap(([name, field]) => {
      const entry = memory[field];
      return [
        gauge(`${name}_usage_bytes`, `${name}: what is used`, entry?.usage),
        gauge(`${name}_max_bytes`, `${name}: what was used at most`, entry?.max),
        gauge(`${name}_limit_bytes`, `${name}: what may be used`, entry?.limit),
        gauge(`${name}_failcnt_total`, `${name}: how often the limit was hit`, entry?.failcnt),
      ];
    }),
  ];
}

function blockMeasures({ blkio }: Metrics): readonly Measure[] {
  if (blkio === null) return [];
  return BLOCK_IO.flatMap(([name, field]) =>
    blkio[field].map(({ op, device, major, minor, value }) => ({
      ...{ name: `blkio_${name}`, help: `blkio.${name.replace(/_(total|bytes)$/, "")}`, value: toNumber(value) },
      labels: { op: op.toLowerCase(), device, major: String(major), minor: String(minor) },
    })),
  );
}
