import type { DeviceRule, LinuxCpu, LinuxMemory, LinuxResources } from "../../spec/resources.ts";
import { type CgroupFile, cpusetFiles, pidsFiles, rdmaFiles } from "./files.ts";

const RESOURCES = "/linux/resources";

/** config-linux.md § Control groups: the files of cgroup v1, in the order they are to be written. */
export function filesV1(resources: LinuxResources): readonly CgroupFile[] {
  return [
    ...memoryFiles(resources.memory ?? {}),
    ...cpuFiles(resources.cpu ?? {}),
    ...cpusetFiles(resources.cpu ?? {}),
    ...pidsFiles(resources),
    ...hugetlbFiles(resources),
    ...networkFiles(resources),
    ...blkioFiles(resources),
    ...rdmaFiles(resources),
  ];
}

/** devices.allow and devices.deny: nothing is allowed until a rule allows it. */
export function deviceFilesV1(rules: readonly DeviceRule[], defaults: readonly DeviceRule[]): readonly CgroupFile[] {
  const file = (name: string, value: string, from: string): CgroupFile => ({
    controller: "devices",
    file: `devices.${name}`,
    value,
    from,
  });
  return [
    file("deny", "a", ""),
    ...rules.map((rule, index) => file(rule.allow ? "allow" : "deny", ruleText(rule), `${RESOURCES}/devices/${index}`)),
    ...defaults.map((rule) => file("allow", ruleText(rule), "")),
  ];
}

function ruleText({ type = "a", major = -1, minor = -1, access = "rwm" }: DeviceRule): string {
  if (type === "a") return "a";
  const number = (value: number) => (value === -1 ? "*" : String(value));
  return `${type} ${number(major)}:${number(minor)} ${access}`;
}

const MAX_SWAPPINESS = 100;

/** 0 means unset, as for runc. A new cgroup has no limits, so the limit can come before the larger memory+swap. */
function memoryFiles(memory: LinuxMemory): readonly CgroupFile[] {
  const files: CgroupFile[] = [];
  const add = (file: string, value: number | undefined, property: string) => {
    if (value !== undefined && (value !== 0 || file === "memory.swappiness")) {
      files.push({ controller: "memory", file, value: String(value), from: `${RESOURCES}/memory/${property}` });
    }
  };
  add("memory.limit_in_bytes", memory.limit, "limit");
  add("memory.memsw.limit_in_bytes", memory.swap, "swap");
  add("memory.soft_limit_in_bytes", memory.reservation, "reservation");
  add("memory.oom_control", memory.disableOOMKiller === true ? 1 : undefined, "disableOOMKiller");
  // podman writes -1, which is 2^64-1 in JSON, for unset.
  add("memory.swappiness", (memory.swappiness ?? 0) > MAX_SWAPPINESS ? undefined : memory.swappiness, "swappiness");
  return files;
}

/** The period before the quota: a quota is checked against it. 0 means unset, as for runc. */
function cpuFiles(cpu: LinuxCpu): readonly CgroupFile[] {
  const files: CgroupFile[] = [];
  const add = (file: string, value: number | undefined, property: keyof LinuxCpu) => {
    if (value === undefined || (value === 0 && property !== "idle" && property !== "burst")) return;
    files.push({ controller: "cpu", file, value: String(value), from: `${RESOURCES}/cpu/${property}` });
  };
  add("cpu.shares", cpu.shares, "shares");
  add("cpu.idle", cpu.idle, "idle");
  add("cpu.rt_period_us", cpu.realtimePeriod, "realtimePeriod");
  add("cpu.rt_runtime_us", cpu.realtimeRuntime, "realtimeRuntime");
  add("cpu.cfs_period_us", cpu.period, "period");
  add("cpu.cfs_quota_us", cpu.quota, "quota");
  add("cpu.cfs_burst_us", cpu.burst, "burst");
  return files;
}

function hugetlbFiles({ hugepageLimits = [] }: LinuxResources): readonly CgroupFile[] {
  return hugepageLimits.flatMap(({ pageSize, limit }, index): CgroupFile[] => {
    const from = `${RESOURCES}/hugepageLimits/${index}`;
    const value = String(limit);
    return [
      { controller: "hugetlb", file: `hugetlb.${pageSize}.limit_in_bytes`, value, from },
      { controller: "hugetlb", file: `hugetlb.${pageSize}.rsvd.limit_in_bytes`, value, from, optional: true },
    ];
  });
}

function networkFiles({ network }: LinuxResources): readonly CgroupFile[] {
  const files: CgroupFile[] = [];
  if (network?.classID !== undefined) {
    const from = `${RESOURCES}/network/classID`;
    files.push({ controller: "net_cls", file: "net_cls.classid", value: String(network.classID), from });
  }
  (network?.priorities ?? []).forEach(({ name, priority }, index) => {
    const from = `${RESOURCES}/network/priorities/${index}`;
    files.push({ controller: "net_prio", file: "net_prio.ifpriomap", value: `${name} ${priority}`, from });
  });
  return files;
}

function blkioFiles({ blockIO = {} }: LinuxResources): readonly CgroupFile[] {
  const files: CgroupFile[] = [];
  const add = (file: string, value: string, property: string, fallback?: string) => {
    const from = `${RESOURCES}/blockIO/${property}`;
    files.push({
      controller: "blkio",
      file: `blkio.${file}`,
      value,
      from,
      ...(fallback === undefined ? {} : { fallback: { file: fallback, value } }),
    });
  };
  if (blockIO.weight) add("weight", String(blockIO.weight), "weight", "blkio.bfq.weight");
  if (blockIO.leafWeight) add("leaf_weight", String(blockIO.leafWeight), "leafWeight");
  (blockIO.weightDevice ?? []).forEach(({ major, minor, weight, leafWeight }, index) => {
    if (weight) add("weight_device", `${major}:${minor} ${weight}`, `weightDevice/${index}`, "blkio.bfq.weight_device");
    if (leafWeight) add("leaf_weight_device", `${major}:${minor} ${leafWeight}`, `weightDevice/${index}`);
  });
  const throttles = [
    ["throttle.read_bps_device", "throttleReadBpsDevice"],
    ["throttle.write_bps_device", "throttleWriteBpsDevice"],
    ["throttle.read_iops_device", "throttleReadIOPSDevice"],
    ["throttle.write_iops_device", "throttleWriteIOPSDevice"],
  ] as const;
  for (const [file, property] of throttles) {
    (blockIO[property] ?? []).forEach(({ major, minor, rate = 0 }, index) => {
      add(file, `${major}:${minor} ${rate}`, `${property}/${index}`);
    });
  }
  return files;
}
