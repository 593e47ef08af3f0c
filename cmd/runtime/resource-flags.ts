import type { LinuxResources } from "../../lib/spec/resources.ts";
import { type Flag, last, path, text, type Values } from "../flags.ts";
import { parseSize } from "../size.ts";

/** The options of `update`. */
export const resourceFlags = {
  resources: path(
    'file with the new limits, as linux.resources of config.json, or "-" for standard input; then the other options are ignored',
    { short: "r", label: "FILE" },
  ),
  blkioWeight: integer("weight of the container's block I/O, from 10 to 1000"),
  cpuPeriod: integer("length of a CFS period, in microseconds"),
  cpuQuota: integer("processor time in each period, in microseconds; -1 for unlimited"),
  cpuBurst: integer("unused processor time that may be saved up, in microseconds"),
  cpuShare: integer("processor time relative to other containers, from 2 to 262144"),
  cpuRtPeriod: integer("length of a realtime period, in microseconds"),
  cpuRtRuntime: integer("realtime processor time in each period, in microseconds"),
  cpusetCpus: text("processors to use, e.g. 0-3,7", { label: "LIST" }),
  cpusetMems: text("memory nodes to use, e.g. 0", { label: "LIST" }),
  cpuIdle: integer("1 to run only when the processor is idle (SCHED_IDLE), else 0"),
  kernelMemory: text("obsolete", { hidden: true }),
  kernelMemoryTcp: text("obsolete", { hidden: true }),
  memory: size("limit of memory, e.g. 64m; -1 for unlimited"),
  memoryReservation: size("memory to keep when the host runs short of it"),
  memorySwap: size("limit of memory and swap together; -1 for unlimited"),
  pidsLimit: integer("how many processes and threads there may be; -1 for unlimited"),
  l3CacheSchema: text("Intel RDT/CAT schema of the L3 cache", { label: "SCHEMA" }),
  memBwSchema: text("Intel RDT/MBA schema of the memory bandwidth", { label: "SCHEMA" }),
};

/** What the options ask for; a property that is not given stays as it is. */
export function resourcesOf(flags: Values<typeof resourceFlags>): LinuxResources {
  const memory = given({ limit: flags.memory, reservation: flags.memoryReservation, swap: flags.memorySwap });
  const cpu = given({
    shares: flags.cpuShare,
    quota: flags.cpuQuota,
    burst: flags.cpuBurst,
    period: flags.cpuPeriod,
    realtimeRuntime: flags.cpuRtRuntime,
    realtimePeriod: flags.cpuRtPeriod,
    cpus: flags.cpusetCpus,
    mems: flags.cpusetMems,
    idle: flags.cpuIdle,
  });
  const pids = given({ limit: flags.pidsLimit });
  const blockIO = given({ weight: flags.blkioWeight });
  return { memory, cpu, pids, blockIO };
}

type Given<T> = { readonly [K in keyof T]?: Exclude<T[K], undefined> };

function given<T extends object>(values: T): Given<T> {
  // Without the properties that are undefined it is what the type says.
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as Given<T>;
}

/** A whole number; an empty text counts as not given, as it does for runc. */
function integer(summary: string): Flag<number | undefined> {
  return { summary, kind: "number", label: "N", parse: (texts) => parse(texts, parseInteger) };
}

function size(summary: string): Flag<number | undefined> {
  return { summary, kind: "text", label: "BYTES", parse: (texts) => parse(texts, parseSize) };
}

function parse(texts: readonly string[], read: (given: string) => number): number | undefined {
  const value = last(texts) ?? "";
  return value === "" ? undefined : read(value);
}

function parseInteger(digits: string): number {
  const value = /^[+-]?\d+$/.test(digits) ? Number(digits) : Number.NaN;
  if (!Number.isSafeInteger(value)) throw new TypeError("must be a whole number");
  return value;
}
