import { ContainerError } from "../errors.ts";
import type { CgroupFile } from "../plan/cgroup/files.ts";
import { filesV1 } from "../plan/cgroup/v1.ts";
import type { LinuxMemory, LinuxResources } from "../spec/resources.ts";

/** What a v2 cgroup is set to now: the texts of its files. */
export interface CurrentLimits {
  /** cpu.max: `QUOTA PERIOD` */
  readonly cpuMax: string | undefined;
  /** memory.max */
  readonly memoryMax: string | undefined;
}

/** The values in a document of `update --resources` that mean "as it is", as they always did for runc. */
const UNCHANGED: ReadonlySet<string> = new Set([
  "memory.limit_in_bytes",
  "memory.memsw.limit_in_bytes",
  "memory.soft_limit_in_bytes",
]);

const MAX_SWAPPINESS = 100;

/**
 * config-linux.md § Control groups: the files that an update of a v1 cgroup writes; never those of devices.
 * @throws {ContainerError} invalid_argument for `unified`
 */
export function updateFilesV1(resources: LinuxResources): readonly CgroupFile[] {
  if (Object.keys(resources.unified ?? {}).length > 0) {
    throw new ContainerError("invalid_argument", "invalid configuration: linux.resources.unified needs cgroup v2");
  }
  const memory = withSwapV1(resources.memory ?? {});
  return filesV1({ ...resources, memory }).filter(({ file, value }) => !(UNCHANGED.has(file) && value === "0"));
}

/** Without a limit on memory, a limit on memory and swap together would be one on memory after all. */
function withSwapV1({ swappiness, ...memory }: LinuxMemory): LinuxMemory {
  const swap = memory.limit === -1 && (memory.swap ?? 0) === 0 ? { swap: -1 } : {};
  // moby writes its own "not set" as 2^64-1.
  const isSet = swappiness !== undefined && swappiness <= MAX_SWAPPINESS;
  return { ...memory, ...swap, ...(isSet ? { swappiness } : {}) };
}

/** Where two properties share one file of v2, the one that is not named stays as it is. */
export function completeV2(resources: LinuxResources, current: CurrentLimits): LinuxResources {
  const { cpu, memory, ...rest } = resources;
  return {
    ...rest,
    ...(cpu === undefined ? {} : { cpu: { ...cpu, ...completeCpu(cpu, current.cpuMax) } }),
    ...(memory === undefined ? {} : { memory: { ...memory, ...completeMemory(memory, current.memoryMax) } }),
  };
}

function completeCpu(
  { quota = 0, period = 0 }: NonNullable<LinuxResources["cpu"]>,
  cpuMax: string | undefined,
): NonNullable<LinuxResources["cpu"]> {
  const [currentQuota, currentPeriod] = (cpuMax ?? "").trim().split(" ").map(Number);
  const knows = (value: number | undefined): value is number => value !== undefined && Number.isSafeInteger(value);
  if (quota !== 0 && period === 0 && knows(currentPeriod)) return { period: currentPeriod };
  if (period !== 0 && quota === 0 && knows(currentQuota)) return { quota: currentQuota };
  return {};
}

/** v2 counts swap alone: how much of memory and swap together that is depends on the limit of memory. */
function completeMemory({ limit = 0, swap = 0 }: LinuxMemory, memoryMax: string | undefined): LinuxMemory {
  if (limit !== 0 || swap === 0 || swap === -1 || memoryMax === undefined) return {};
  const current = memoryMax.trim();
  return { limit: current === "max" ? -1 : Number(current) };
}
