import type { io } from "../../../proto/gen/metrics.js";
import { type Measure, toNumber } from "./measure.ts";

type Metrics = io.containerd.cgroups.v2.Metrics;
type Memory = io.containerd.cgroups.v2.MemoryStat;

/** memory.stat: the name there, and the field. */
const MEMORY: readonly (readonly [name: string, field: keyof Memory])[] = [
  ["anon", "anon"],
  ["file", "file"],
  ["kernel_stack", "kernelStack"],
  ["slab", "slab"],
  ["sock", "sock"],
  ["shmem", "shmem"],
  ["file_mapped", "fileMapped"],
  ["file_dirty", "fileDirty"],
  ["file_writeback", "fileWriteback"],
  ["anon_thp", "anonThp"],
  ["inactive_anon", "inactiveAnon"],
  ["active_anon", "activeAnon"],
  ["inactive_file", "inactiveFile"],
  ["active_file", "activeFile"],
  ["unevictable", "unevictable"],
  ["slab_reclaimable", "slabReclaimable"],
  ["slab_unreclaimable", "slabUnreclaimable"],
  ["pgfault", "pgfault"],
  ["pgmajfault", "pgmajfault"],
  ["workingset_refault", "workingsetRefault"],
  ["workingset_activate", "workingsetActivate"],
  ["workingset_nodereclaim", "workingsetNodereclaim"],
  ["pgrefill", "pgrefill"],
  ["pgscan", "pgscan"],
  ["pgsteal", "pgsteal"],
  ["pgactivate", "pgactivate"],
  ["pgdeactivate", "pgdeactivate"],
  ["pglazyfree", "pglazyfree"],
  ["pglazyfreed", "pglazyfreed"],
  ["thp_fault_alloc", "thpFaultAlloc"],
  ["thp_collapse_alloc", "thpCollapseAlloc"],
];

/** metrics-v2.proto, by the names that containerd has for them, however they are spelled. */
export function measuresV2({ pids, cpu, memory, memoryEvents, io: blocks }: Metrics): readonly Measure[] {
  const gauge = (name: string, help: string, value: unknown): Measure => ({ name, help, value: toNumber(value) });
  return [
    gauge("pids_current", "processes there are", pids?.current),
    gauge("pids_limit", "processes there may be", pids?.limit),
    gauge("cpu_usage_microseconds", "time of processors", cpu?.usageUsec),
    gauge("cpu_user_usage_microseconds", "time of processors outside the kernel", cpu?.userUsec),
    gauge("cpu_kernel_usage_microseconds", "time of processors in the kernel", cpu?.systemUsec),
    gauge("cpu_nr_periods_total", "periods", cpu?.nrPeriods),
    gauge("cpu_nr_throttled_total", "periods in which it was throttled", cpu?.nrThrottled),
    gauge("cpu_throttled_usec_microseconds", "time for which it was throttled", cpu?.throttledUsec),
    gauge("memory_usage_bytes", "memory used", memory?.usage),
    gauge("memory_usage_limit_bytes", "memory that may be used", memory?.usageLimit),
    gauge("memory_swap_usage_bytes", "swap used", memory?.swapUsage),
    gauge("memory_swap_Limit_bytes", "swap that may be used", memory?.swapLimit),
    ...MEMORY.map(([name, field]) => gauge(`memory_${name}_bytes`, `${name} of memory.stat`, memory?.[field])),
    gauge("memory_oom_total", "processes killed for want of memory", memoryEvents?.oomKill),
    ...(blocks?.usage ?? []).flatMap(({ major, minor, rbytes, wbytes, rios, wios }): Measure[] => {
      const labels = { major: String(major), minor: String(minor) };
      return [
        { name: "io_rbytes_bytes", help: "bytes read", labels, value: toNumber(rbytes) },
        { name: "io_wbytes_bytes", help: "bytes written", labels, value: toNumber(wbytes) },
        { name: "io_rios_total", help: "reads", labels, value: toNumber(rios) },
        { name: "io_wios_total", help: "writes", labels, value: toNumber(wios) },
      ];
    }),
  ];
}
