import { findText, listDirectory } from "../files.ts";
import type { Kernel } from "../kernel.ts";
import { parseKeyed, parseNumber, parsePressure } from "./parse-values.ts";
import {
  type BlkioEntry,
  type BlkioStats,
  type CgroupStats,
  type CpuStats,
  type MemoryStats,
  NO_USAGE,
  type Pressure,
  type Usage,
} from "./stats.ts";

const NANOSECONDS = 1000n;
/** What runc gives for `max`. */
const UNLIMITED = 2n ** 64n - 1n;

/** Absent, or of a kernel that counts nothing there: without PSI its files end in EOPNOTSUPP. */
const ABSENT = ["ENOENT", "ENODEV", "ENOTDIR", "EOPNOTSUPP"] as const;

/** kernel.org, cgroup-v2: reads the files of a container. What v1 has no name for is left out, as runc does. */
export function readStatsV2(kernel: Kernel, directory: string): CgroupStats {
  const read: Read = (file) => findText(kernel, `${directory}/${file}`, ...ABSENT);
  return {
    cpu: readCpu(read),
    memory: readMemory(read),
    pids: { current: number(read, "pids.current"), limit: number(read, "pids.max") },
    blkio: readIo(read),
    hugetlb: readHugetlb(kernel, directory, read),
  };
}

type Read = (file: string) => string | undefined;

function number(read: Read, file: string): bigint {
  return parseNumber(read(file)) ?? 0n;
}

function pressure(read: Read, file: string): { readonly pressure?: Pressure } {
  const found = parsePressure(read(file) ?? "");
  return found === undefined ? {} : { pressure: found };
}

function readCpu(read: Read): CpuStats {
  const stat = parseKeyed(read("cpu.stat") ?? "");
  const value = (key: string) => stat.get(key) ?? 0n;
  return {
    total: value("usage_usec") * NANOSECONDS,
    kernel: value("system_usec") * NANOSECONDS,
    user: value("user_usec") * NANOSECONDS,
    percpu: [],
    percpuKernel: [],
    percpuUser: [],
    periods: value("nr_periods"),
    throttledPeriods: value("nr_throttled"),
    throttledTime: value("throttled_usec") * NANOSECONDS,
    ...pressure(read, "cpu.pressure"),
  };
}

function readMemory(read: Read): MemoryStats {
  const raw = parseKeyed(read("memory.stat") ?? "");
  const usage = readUsage(read, "memory");
  const swap = readUsage(read, "memory.swap");
  return {
    cache: raw.get("file") ?? 0n,
    usage,
    // As v1 counts it: memory and swap together, of which v2 knows no maximum.
    swap: {
      limit: swap.limit === UNLIMITED ? UNLIMITED : swap.limit + usage.limit,
      usage: swap.usage + usage.usage,
      max: 0n,
      failcnt: swap.failcnt,
    },
    kernel: NO_USAGE,
    kernelTcp: NO_USAGE,
    raw,
    ...pressure(read, "memory.pressure"),
  };
}

function readUsage(read: Read, prefix: string): Usage {
  const limit = read(`${prefix}.max`);
  // The root has no files, and swap may not be counted at all.
  if (limit === undefined) return NO_USAGE;
  return {
    limit: parseNumber(limit) ?? UNLIMITED,
    usage: number(read, `${prefix}.current`),
    max: number(read, `${prefix}.peak`),
    failcnt: parseKeyed(read(`${prefix}.events`) ?? "").get("max") ?? 0n,
  };
}

const IO_KEYS = {
  rbytes: ["ioServiceBytesRecursive", "Read"],
  wbytes: ["ioServiceBytesRecursive", "Write"],
  rios: ["ioServicedRecursive", "Read"],
  wios: ["ioServicedRecursive", "Write"],
} as const;

function readIo(read: Read): BlkioStats {
  return { tables: parseIoStat(read("io.stat") ?? ""), ...pressure(read, "io.pressure") };
}

/** Lines `8:0 rbytes=4096 wbytes=0 rios=1 wios=0 dbytes=0 dios=0`. */
export function parseIoStat(text: string): BlkioStats["tables"] {
  const tables: { ioServiceBytesRecursive: BlkioEntry[]; ioServicedRecursive: BlkioEntry[] } = {
    ioServiceBytesRecursive: [],
    ioServicedRecursive: [],
  };
  for (const line of text.split("\n")) {
    const [device = "", ...words] = line.split(" ");
    const [major = 0n, minor = 0n] = device.split(":").map((part) => parseNumber(part) ?? 0n);
    for (const word of words) {
      const [key = "", value] = word.split("=");
      if (!Object.hasOwn(IO_KEYS, key)) continue;
      const [table, op] = IO_KEYS[key as keyof typeof IO_KEYS];
      tables[table].push({ major, minor, op, value: parseNumber(value) ?? 0n });
    }
  }
  return tables;
}

function readHugetlb(kernel: Kernel, directory: string, read: Read): ReadonlyMap<string, Usage> {
  const sizes = listDirectory(kernel, directory, ...ABSENT).flatMap(
    ({ name }) => /^hugetlb\.([^.]+)\.current$/.exec(name)?.[1] ?? [],
  );
  return new Map(
    sizes.sort().map((size): [string, Usage] => {
      const failcnt = parseKeyed(read(`hugetlb.${size}.events`) ?? "").get("max") ?? 0n;
      return [size, { ...NO_USAGE, usage: number(read, `hugetlb.${size}.current`), failcnt }];
    }),
  );
}
