import type { BlkioEntry, CgroupStats, Pressure, PressureLine, Usage } from "../../lib/linux/cgroup/stats.ts";
import type { ContainerEvent } from "../../lib/runtime/events.ts";

/** What becomes JSON here; undefined is left out. */
type Json = string | number | bigint | null | undefined | readonly Json[] | { readonly [key: string]: Json };

/** One line of `events`: runc's fields in runc's order, of which it leaves out those that are 0. */
export function eventLine(event: ContainerEvent): string {
  const data = event.type === "stats" ? { data: statsFields(event.stats) } : {};
  return `${encode({ type: event.type, id: event.id, ...data })}\n`;
}

/** JSON.stringify() refuses a bigint, and a number would be rounded. */
function encode(value: Json): string {
  if (typeof value === "bigint") return String(value);
  if (Array.isArray(value)) return `[${value.map(encode).join(",")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  const fields = Object.entries(value).filter(([, field]) => field !== undefined);
  return `{${fields.map(([key, field]) => `${JSON.stringify(key)}:${encode(field)}`).join(",")}}`;
}

function statsFields({ cpu, cpuset, memory, pids, blkio, hugetlb }: CgroupStats): Json {
  return {
    cpu: cpuFields(cpu),
    cpuset: cpusetFields(cpuset),
    memory: memoryFields(memory),
    pids: { current: unlessZero(pids.current), limit: unlessZero(pids.limit) },
    blkio: blkioFields(blkio),
    hugetlb: sortedFields(hugetlb, ({ usage, max, failcnt }) => ({
      usage: unlessZero(usage),
      max: unlessZero(max),
      failcnt,
    })),
    intel_rdt: {},
    // runc knows those it makes itself, which are none.
    network_interfaces: null,
  };
}

function cpuFields(cpu: CgroupStats["cpu"]): Json {
  return {
    usage: {
      total: unlessZero(cpu.total),
      percpu: unlessEmpty(cpu.percpu),
      percpu_kernel: unlessEmpty(cpu.percpuKernel),
      percpu_user: unlessEmpty(cpu.percpuUser),
      kernel: cpu.kernel,
      user: cpu.user,
    },
    throttling: {
      periods: unlessZero(cpu.periods),
      throttledPeriods: unlessZero(cpu.throttledPeriods),
      throttledTime: unlessZero(cpu.throttledTime),
    },
    psi: pressureFields(cpu.pressure),
  };
}

function cpusetFields(cpuset: CgroupStats["cpuset"]): Json {
  const value = (name: string) => cpuset?.numbers.get(name) ?? 0n;
  return {
    cpus: unlessEmpty(cpuset?.cpus ?? []),
    cpu_exclusive: value("cpu_exclusive"),
    mems: unlessEmpty(cpuset?.mems ?? []),
    mem_hardwall: value("mem_hardwall"),
    mem_exclusive: value("mem_exclusive"),
    memory_migrate: value("memory_migrate"),
    memory_spread_page: value("memory_spread_page"),
    memory_spread_slab: value("memory_spread_slab"),
    memory_pressure: value("memory_pressure"),
    sched_load_balance: value("sched_load_balance"),
    sched_relax_domain_level: value("sched_relax_domain_level"),
  };
}

function memoryFields(memory: CgroupStats["memory"]): Json {
  return {
    cache: unlessZero(memory.cache),
    usage: usageFields(memory.usage),
    swap: usageFields(memory.swap),
    kernel: usageFields(memory.kernel),
    kernelTCP: usageFields(memory.kernelTcp),
    raw: memory.raw.size === 0 ? undefined : sortedFields(memory.raw, (value) => value),
    psi: pressureFields(memory.pressure),
  };
}

function usageFields({ limit, usage, max, failcnt }: Usage): Json {
  return { limit, usage: unlessZero(usage), max: unlessZero(max), failcnt };
}

function blkioFields({ tables, pressure }: CgroupStats["blkio"]): Json {
  const table = (entries: readonly BlkioEntry[] = []) => unlessEmpty(entries.map(blkioEntry));
  return {
    ioServiceBytesRecursive: table(tables.ioServiceBytesRecursive),
    ioServicedRecursive: table(tables.ioServicedRecursive),
    ioQueueRecursive: table(tables.ioQueueRecursive),
    ioServiceTimeRecursive: table(tables.ioServiceTimeRecursive),
    ioWaitTimeRecursive: table(tables.ioWaitTimeRecursive),
    ioMergedRecursive: table(tables.ioMergedRecursive),
    ioTimeRecursive: table(tables.ioTimeRecursive),
    sectorsRecursive: table(tables.sectorsRecursive),
    psi: pressureFields(pressure),
  };
}

function blkioEntry({ major, minor, op, value }: BlkioEntry): Json {
  return {
    major: unlessZero(major),
    minor: unlessZero(minor),
    op: op === "" ? undefined : op,
    value: unlessZero(value),
  };
}

function pressureFields(pressure: Pressure | undefined): Json {
  if (pressure === undefined) return undefined;
  const line = ({ avg10, avg60, avg300, total }: PressureLine): Json => ({ avg10, avg60, avg300, total });
  return { some: line(pressure.some), full: line(pressure.full) };
}

/** Go sorts the keys of a map. */
function sortedFields<T>(values: ReadonlyMap<string, T>, toJson: (value: T) => Json): Json {
  const entries = [...values].sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries.map(([key, value]) => [key, toJson(value)]));
}

function unlessZero(value: bigint): bigint | undefined {
  return value === 0n ? undefined : value;
}

function unlessEmpty<T extends Json>(values: readonly T[]): readonly T[] | undefined {
  return values.length === 0 ? undefined : values;
}
