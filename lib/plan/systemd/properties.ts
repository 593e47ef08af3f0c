import { pointerTo } from "../../json-pointer.ts";
import type { BusValue, Variant } from "../../linux/constants/dbus.ts";
import type { LinuxCpu, LinuxResources } from "../../spec/resources.ts";
import { sharesToWeight, swapToV2 } from "../cgroup/v2.ts";

/** org.freedesktop.systemd1(5): a property of a scope, and the property of config.json that it comes from. */
export interface ScopeProperty extends Variant {
  readonly name: string;
  /** RFC 6901 pointer, "" for what every container gets. */
  readonly from: string;
}

/** What properties there are depends on both. */
export interface SystemdFacts {
  readonly mode: "v1" | "v2";
  /** 252 */
  readonly version: number;
}

const RESOURCES = "/linux/resources";
/** "infinity" of systemd, whatever is counted. */
const INFINITY = 0xffff_ffff_ffff_ffffn;
const DEFAULT_PERIOD_US = 100_000;
const US_PER_S = 1_000_000;
/** systemd counts processor time in whole percent: what is less would be rounded down for the container's own cgroups. */
const QUOTA_STEP_US = 10_000;

/**
 * systemd.resource-control(5): the limits systemd has a property for, as properties. It writes the same values as the
 * files of the cgroup have, and so does not take them back when it looks at its units again. `minTasks` is what a limit
 * of tasks has to leave room for.
 */
export function resourceProperties(
  resources: LinuxResources,
  facts: SystemdFacts,
  minTasks = 1,
): readonly ScopeProperty[] {
  const { memory = {}, cpu = {}, pids, blockIO = {}, unified = {} } = resources;
  const list = new PropertyList();
  const isV2 = facts.mode === "v2";
  list.limit(isV2 ? "MemoryMax" : "MemoryLimit", memory.limit, "memory/limit");
  if (isV2) {
    list.limit("MemoryLow", memory.reservation, "memory/reservation");
    const swap = swapToV2(memory);
    if (swap !== undefined) list.amount("MemorySwapMax", swap, "memory/swap");
    addWeight(list, cpu, facts);
    addSets(list, cpu, facts);
  } else {
    if (cpu.shares) list.add("CPUShares", "t", BigInt(cpu.shares), "cpu/shares");
    if (blockIO.weight) list.add("BlockIOWeight", "t", BigInt(blockIO.weight), "blockIO/weight");
  }
  addQuota(list, cpu, facts);
  // systemd takes no 0.
  if (pids?.limit !== undefined) {
    const tasks = pids.limit < 0 ? INFINITY : BigInt(Math.max(pids.limit, minTasks));
    list.add("TasksMax", "t", tasks, "pids/limit");
  }
  for (const [file, value] of Object.entries(unified)) addUnified(list, file, value.trim(), facts);
  return list.properties;
}

class PropertyList {
  readonly properties: ScopeProperty[] = [];

  add(name: string, signature: string, value: BusValue, property: string): void {
    this.properties.push({ name, signature, value, from: `${RESOURCES}/${property}` });
  }

  /** A limit in bytes; 0 is unset, -1 unlimited. */
  limit(name: string, value: number | undefined, property: string): void {
    if (value) this.amount(name, value < 0 ? "max" : String(value), property);
  }

  /** A number as the files of cgroup v2 have it. */
  amount(name: string, text: string, property: string): void {
    if (text === "max") this.add(name, "t", INFINITY, property);
    else if (/^\d+$/.test(text)) this.add(name, "t", BigInt(text), property);
  }
}

function addWeight(list: PropertyList, { idle, shares = 0 }: LinuxCpu, { version }: SystemdFacts): void {
  if (idle === 1) {
    // 0 is the idle weight since 252.
    if (version >= 252) list.add("CPUWeight", "t", 0n, "cpu/idle");
    return;
  }
  const weight = sharesToWeight(shares);
  if (weight !== 0) list.add("CPUWeight", "t", BigInt(weight), "cpu/shares");
}

function addQuota(list: PropertyList, { quota = 0, period = 0 }: LinuxCpu, { version }: SystemdFacts): void {
  if (period !== 0 && version >= 242) list.add("CPUQuotaPeriodUSec", "t", BigInt(period), "cpu/period");
  if (quota === 0 && period === 0) return;
  const perSecond = (quota * US_PER_S) / (period || DEFAULT_PERIOD_US);
  const value = quota > 0 ? BigInt(Math.ceil(perSecond / QUOTA_STEP_US) * QUOTA_STEP_US) : INFINITY;
  list.add("CPUQuotaPerSecUSec", "t", value, quota === 0 ? "cpu/period" : "cpu/quota");
}

function addSets(list: PropertyList, { cpus = "", mems = "" }: LinuxCpu, { version }: SystemdFacts): void {
  if (version < 244) return;
  if (cpus !== "") list.add("AllowedCPUs", "ay", bitmask(cpus), "cpu/cpus");
  if (mems !== "") list.add("AllowedMemoryNodes", "ay", bitmask(mems), "cpu/mems");
}

/** A list such as `0-3,7` as the bytes of a mask, the lowest first. Numbers that no machine has are the kernel's to refuse. */
function bitmask(list: string): readonly number[] {
  const bytes: number[] = [];
  for (const part of list.split(",")) {
    const [first = 0, last = first] = part.trim().split("-").map(Number);
    for (let bit = first; bit <= Math.min(last, MAX_BIT); bit++) {
      const at = bit >> 3;
      while (bytes.length <= at) bytes.push(0);
      bytes[at] = (bytes[at] ?? 0) | (1 << (bit & 7));
    }
  }
  return bytes;
}

const MAX_BIT = 8191;

/** The files of `unified` that systemd has properties for. */
function addUnified(list: PropertyList, file: string, value: string, facts: SystemdFacts): void {
  const part = new PropertyList();
  if (Object.hasOwn(UNIFIED, file)) UNIFIED[file]?.(part, value, facts);
  for (const property of part.properties) list.properties.push({ ...property, from: pointerTo(FROM_UNIFIED, file) });
}

type AddUnified = (list: PropertyList, value: string, facts: SystemdFacts) => void;

const FROM_UNIFIED = `${RESOURCES}/unified`;

function amountOf(name: string): AddUnified {
  return (list, value) => list.amount(name, value, "unified");
}

const UNIFIED: Readonly<Record<string, AddUnified>> = {
  "cpu.idle": (list, value, facts) => addWeight(list, { idle: Number(value) }, facts),
  "cpu.max": (list, value, facts) => {
    const [quota = "", period = ""] = value.split(/\s+/);
    addQuota(list, { quota: quota === "max" ? -1 : Number(quota), period: Number(period) }, facts);
  },
  "cpu.weight": amountOf("CPUWeight"),
  "cpuset.cpus": (list, value, facts) => addSets(list, { cpus: value }, facts),
  "cpuset.mems": (list, value, facts) => addSets(list, { mems: value }, facts),
  "memory.high": amountOf("MemoryHigh"),
  "memory.low": amountOf("MemoryLow"),
  "memory.max": amountOf("MemoryMax"),
  "memory.min": amountOf("MemoryMin"),
  "memory.oom.group": (list, value, { version }) => {
    if (version >= 253) list.add("OOMPolicy", "s", value === "1" ? "kill" : "continue", "unified");
  },
  "memory.swap.max": amountOf("MemorySwapMax"),
  "pids.max": amountOf("TasksMax"),
};
