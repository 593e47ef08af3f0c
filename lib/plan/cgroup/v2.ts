import { ContainerError } from "../../errors.ts";
import type { LinuxCpu, LinuxMemory, LinuxResources } from "../../spec/resources.ts";
import { type CgroupFile, cpusetFiles, pidsFiles, rdmaFiles } from "./files.ts";

const RESOURCES = "/linux/resources";
const DEFAULT_PERIOD_US = 100_000;

/** config-linux.md § Control groups: the files of cgroup v2, in the order they are to be written. */
export function filesV2(resources: LinuxResources): readonly CgroupFile[] {
  return [
    ...memoryFiles(resources.memory ?? {}),
    ...cpuFiles(resources.cpu ?? {}),
    ...cpusetFiles(resources.cpu ?? {}),
    ...pidsFiles(resources),
    ...hugetlbFiles(resources),
    ...rdmaFiles(resources),
    ...ioFiles(resources),
    ...unifiedFiles(resources),
  ];
}

/**
 * cpu.shares (2..262144) as a cpu.weight (1..10000): a curve through (2, 1), (1024, 100) and (262144, 10000), which
 * runc and crun share since 2025. 0 stays 0, for unset.
 */
export function sharesToWeight(shares: number): number {
  if (shares === 0) return 0;
  if (shares <= 2) return 1;
  if (shares >= 262_144) return 10_000;
  const l = Math.log2(shares);
  return Math.ceil(10 ** ((l * l + 125 * l) / 612 - 7 / 34));
}

/**
 * config-linux.md § Memory: memory+swap of the config as the swap alone that v2 counts; undefined leaves it unset.
 * @throws {ContainerError} invalid_argument when there is no such amount
 */
export function swapToV2({ limit, swap }: LinuxMemory): string | undefined {
  if (swap === undefined || swap === 0) return limit === -1 ? "max" : undefined;
  if (swap === -1) return "max";
  if (limit === -1) return String(swap);
  if (limit === undefined || limit === 0) {
    throw new ContainerError(
      "invalid_argument",
      "unable to set swap limit without memory limit (linux.resources.memory.swap)",
    );
  }
  if (swap < limit) {
    throw new ContainerError(
      "invalid_argument",
      "memory+swap limit should be >= memory limit (linux.resources.memory.swap)",
    );
  }
  return String(swap - limit);
}

function memoryFiles(memory: LinuxMemory): readonly CgroupFile[] {
  const files: CgroupFile[] = [];
  const amount = (value: number) => (value === -1 ? "max" : String(value));
  const swap = swapToV2(memory);
  if (swap !== undefined) {
    const from = `${RESOURCES}/memory/swap`;
    const file = { controller: "memory", file: "memory.swap.max", value: swap, from } as const;
    // Without swap accounting the file is missing, and nothing can be swapped anyway.
    files.push(swap === "max" || swap === "0" ? { ...file, optional: true } : file);
  }
  if (memory.limit !== undefined && memory.limit !== 0) {
    const from = `${RESOURCES}/memory/limit`;
    files.push({ controller: "memory", file: "memory.max", value: amount(memory.limit), from });
  }
  if (memory.reservation !== undefined && memory.reservation !== 0) {
    const from = `${RESOURCES}/memory/reservation`;
    files.push({ controller: "memory", file: "memory.low", value: amount(memory.reservation), from });
  }
  return files;
}

function cpuFiles(cpu: LinuxCpu): readonly CgroupFile[] {
  const files: CgroupFile[] = [];
  const add = (file: string, value: string, property: keyof LinuxCpu) => {
    files.push({ controller: "cpu", file, value, from: `${RESOURCES}/cpu/${property}` });
  };
  // An idle cgroup refuses a weight, so that idle comes first and the weight is then left alone.
  if (cpu.idle !== undefined) add("cpu.idle", String(cpu.idle), "idle");
  const weight = sharesToWeight(cpu.shares ?? 0);
  if (weight !== 0 && cpu.idle !== 1) add("cpu.weight", String(weight), "shares");
  const { quota = 0, period = 0 } = cpu;
  if (quota !== 0 || period !== 0) {
    const limit = quota > 0 ? String(quota) : "max";
    add("cpu.max", `${limit} ${period === 0 ? DEFAULT_PERIOD_US : period}`, quota === 0 ? "period" : "quota");
  }
  if (cpu.burst !== undefined) add("cpu.max.burst", String(cpu.burst), "burst");
  return files;
}

function hugetlbFiles({ hugepageLimits = [] }: LinuxResources): readonly CgroupFile[] {
  return hugepageLimits.flatMap(({ pageSize, limit }, index): CgroupFile[] => {
    const from = `${RESOURCES}/hugepageLimits/${index}`;
    const value = String(limit);
    return [
      { controller: "hugetlb", file: `hugetlb.${pageSize}.max`, value, from },
      { controller: "hugetlb", file: `hugetlb.${pageSize}.rsvd.max`, value, from, optional: true },
    ];
  });
}

/** blkio.weight (10..1000) on the scale of io.weight (1..10000). */
export function blkioToIoWeight(weight: number): number {
  return weight === 0 ? 0 : 1 + Math.floor(((weight - 10) * 9999) / 990);
}

function ioFiles({ blockIO = {} }: LinuxResources): readonly CgroupFile[] {
  const files: CgroupFile[] = [];
  const add = (file: string, value: string, property: string) => {
    files.push({ controller: "io", file, value, from: `${RESOURCES}/blockIO/${property}` });
  };
  // The scheduler bfq has a file of its own, with blkio's scale; without it the weight is that of io.cost.
  const addWeight = (device: string, weight: number, property: string) => {
    const fallback = { file: "io.weight", value: `${device}${blkioToIoWeight(weight)}` };
    const from = `${RESOURCES}/blockIO/${property}`;
    files.push({ controller: "io", file: "io.bfq.weight", value: `${device}${weight}`, from, fallback });
  };
  if (blockIO.weight) addWeight("", blockIO.weight, "weight");
  (blockIO.weightDevice ?? []).forEach(({ major, minor, weight }, index) => {
    if (weight) addWeight(`${major}:${minor} `, weight, `weightDevice/${index}`);
  });
  const throttles = [
    ["rbps", "throttleReadBpsDevice"],
    ["wbps", "throttleWriteBpsDevice"],
    ["riops", "throttleReadIOPSDevice"],
    ["wiops", "throttleWriteIOPSDevice"],
  ] as const;
  for (const [key, property] of throttles) {
    (blockIO[property] ?? []).forEach(({ major, minor, rate = 0 }, index) => {
      add("io.max", `${major}:${minor} ${key}=${rate === 0 ? "max" : rate}`, `${property}/${index}`);
    });
  }
  return files;
}

/** The key names the file, and up to its first dot the controller; a value of several lines is written line by line. */
function unifiedFiles({ unified = {} }: LinuxResources): readonly CgroupFile[] {
  return Object.entries(unified).flatMap(([file, value]) =>
    value
      .split("\n")
      .filter((line) => line !== "")
      .map((line): CgroupFile => {
        const controller = file.slice(0, file.indexOf("."));
        return { controller, file, value: line, from: `${RESOURCES}/unified/${file}` };
      }),
  );
}
