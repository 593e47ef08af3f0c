import { findText, listDirectory } from "../files.ts";
import type { Kernel } from "../kernel.ts";
import { parseKeyed, parseList, parseNumber, parseNumbers } from "./parse-values.ts";
import {
  type BlkioEntry,
  type BlkioStats,
  type BlkioTable,
  type CgroupStats,
  type CpuStats,
  type CpusetStats,
  type MemoryStats,
  NO_USAGE,
  type Usage,
} from "./stats.ts";

/** USER_HZ is 100. */
const NANOSECONDS_PER_TICK = 10_000_000n;

/** Absent, or of a kernel that counts nothing there. */
const ABSENT = ["ENOENT", "ENODEV", "ENOTDIR", "EOPNOTSUPP"] as const;

/** kernel.org, cgroup-v1: reads the files of a container. `directories` has its directory by controller. */
export function readStatsV1(kernel: Kernel, directories: ReadonlyMap<string, string>): CgroupStats {
  const read: Read = (controller, file) => {
    const directory = directories.get(controller);
    return directory === undefined ? undefined : findText(kernel, `${directory}/${file}`, ...ABSENT);
  };
  return {
    cpu: readCpu(read),
    cpuset: readCpuset(read),
    memory: readMemory(read),
    pids: { current: number(read, "pids", "pids.current"), limit: number(read, "pids", "pids.max") },
    blkio: readBlkio(read),
    hugetlb: readHugetlb(kernel, directories.get("hugetlb"), read),
  };
}

/** The text of a controller's file, if there is one. */
type Read = (controller: string, file: string) => string | undefined;

function number(read: Read, controller: string, file: string): bigint {
  return parseNumber(read(controller, file)) ?? 0n;
}

function readCpu(read: Read): CpuStats {
  const stat = parseKeyed(read("cpu", "cpu.stat") ?? "");
  const ticks = parseKeyed(read("cpuacct", "cpuacct.stat") ?? "");
  // A header line, then a line `cpu user system` for each.
  const rows = (read("cpuacct", "cpuacct.usage_all") ?? "").split("\n").map(parseNumbers);
  const modes = rows.filter((row) => row.length === 3);
  return {
    total: number(read, "cpuacct", "cpuacct.usage"),
    kernel: (ticks.get("system") ?? 0n) * NANOSECONDS_PER_TICK,
    user: (ticks.get("user") ?? 0n) * NANOSECONDS_PER_TICK,
    percpu: parseNumbers(read("cpuacct", "cpuacct.usage_percpu") ?? ""),
    percpuKernel: modes.map(([, , system = 0n]) => system),
    percpuUser: modes.map(([, user = 0n]) => user),
    periods: stat.get("nr_periods") ?? 0n,
    throttledPeriods: stat.get("nr_throttled") ?? 0n,
    throttledTime: stat.get("throttled_time") ?? 0n,
  };
}

const CPUSET_NUMBERS = [
  "cpu_exclusive",
  "mem_hardwall",
  "mem_exclusive",
  "memory_migrate",
  "memory_spread_page",
  "memory_spread_slab",
  "memory_pressure",
  "sched_load_balance",
  "sched_relax_domain_level",
];

function readCpuset(read: Read): CpusetStats {
  return {
    cpus: parseList(read("cpuset", "cpuset.cpus") ?? ""),
    mems: parseList(read("cpuset", "cpuset.mems") ?? ""),
    numbers: new Map(CPUSET_NUMBERS.map((name) => [name, number(read, "cpuset", `cpuset.${name}`)])),
  };
}

function readMemory(read: Read): MemoryStats {
  const raw = parseKeyed(read("memory", "memory.stat") ?? "");
  const usage = (prefix: string): Usage => {
    const value = (file: string) => number(read, "memory", `${prefix}.${file}`);
    return {
      limit: value("limit_in_bytes"),
      usage: value("usage_in_bytes"),
      max: value("max_usage_in_bytes"),
      failcnt: value("failcnt"),
    };
  };
  return {
    cache: raw.get("cache") ?? 0n,
    usage: usage("memory"),
    swap: usage("memory.memsw"),
    kernel: usage("memory.kmem"),
    kernelTcp: usage("memory.kmem.tcp"),
    raw,
  };
}

type BlkioGroup = readonly (readonly [file: string, table: BlkioTable])[];

/** The schedulers' own counters in runc's order: the first group whose first file has something counts, whole. */
const BLKIO_GROUPS: readonly BlkioGroup[] = [
  schedulerGroup("blkio.bfq."),
  [
    ["blkio.bfq.io_serviced_recursive", "ioServicedRecursive"],
    ["blkio.bfq.io_service_bytes_recursive", "ioServiceBytesRecursive"],
  ],
  schedulerGroup("blkio."),
  [
    ["blkio.throttle.io_serviced_recursive", "ioServicedRecursive"],
    ["blkio.throttle.io_service_bytes_recursive", "ioServiceBytesRecursive"],
  ],
  [
    ["blkio.throttle.io_serviced", "ioServicedRecursive"],
    ["blkio.throttle.io_service_bytes", "ioServiceBytesRecursive"],
  ],
];

function schedulerGroup(prefix: string): BlkioGroup {
  return [
    [`${prefix}sectors_recursive`, "sectorsRecursive"],
    [`${prefix}io_service_bytes_recursive`, "ioServiceBytesRecursive"],
    [`${prefix}io_serviced_recursive`, "ioServicedRecursive"],
    [`${prefix}io_queued_recursive`, "ioQueueRecursive"],
    [`${prefix}io_service_time_recursive`, "ioServiceTimeRecursive"],
    [`${prefix}io_wait_time_recursive`, "ioWaitTimeRecursive"],
    [`${prefix}io_merged_recursive`, "ioMergedRecursive"],
    [`${prefix}time_recursive`, "ioTimeRecursive"],
  ];
}

function readBlkio(read: Read): BlkioStats {
  for (const group of BLKIO_GROUPS) {
    const tables = group.map(([file, table]) => [table, parseBlkio(read("blkio", file) ?? "")] as const);
    if ((tables[0]?.[1].length ?? 0) > 0) return { tables: Object.fromEntries(tables) };
  }
  return { tables: {} };
}

/** Lines `8:0 Read 4096`, or `8:0 4096`; the sum, `Total 4096`, is passed over. */
export function parseBlkio(text: string): readonly BlkioEntry[] {
  return text.split("\n").flatMap((line) => {
    const match = /^(\d+):(\d+) (?:([A-Za-z]+) )?(\d+)$/.exec(line);
    if (match === null) return [];
    const [, major = "0", minor = "0", op = "", value = "0"] = match;
    return [{ major: BigInt(major), minor: BigInt(minor), op, value: BigInt(value) }];
  });
}

function readHugetlb(kernel: Kernel, directory: string | undefined, read: Read): ReadonlyMap<string, Usage> {
  if (directory === undefined) return new Map();
  const sizes = listDirectory(kernel, directory, ...ABSENT).flatMap(
    ({ name }) => /^hugetlb\.([^.]+)\.usage_in_bytes$/.exec(name)?.[1] ?? [],
  );
  const value = (size: string, file: string) => number(read, "hugetlb", `hugetlb.${size}.${file}`);
  return new Map(
    sizes.sort().map((size): [string, Usage] => [
      size,
      {
        ...NO_USAGE,
        usage: value(size, "usage_in_bytes"),
        max: value(size, "max_usage_in_bytes"),
        failcnt: value(size, "failcnt"),
      },
    ]),
  );
}
