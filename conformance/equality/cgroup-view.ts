import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { readProc } from "../harness/workspace.ts";

const ROOT = "/sys/fs/cgroup";

/** Files of cgroup v1 that a config can set, by controller; files a kernel does not have are left out. */
const FILES: Readonly<Record<string, readonly string[]>> = {
  memory: [
    "memory.limit_in_bytes",
    "memory.soft_limit_in_bytes",
    "memory.memsw.limit_in_bytes",
    "memory.kmem.limit_in_bytes",
    "memory.kmem.tcp.limit_in_bytes",
    "memory.swappiness",
    "memory.oom_control",
    "memory.use_hierarchy",
  ],
  cpu: ["cpu.shares", "cpu.cfs_quota_us", "cpu.cfs_period_us", "cpu.cfs_burst_us", "cpu.idle", "cpu.rt_runtime_us"],
  cpuset: ["cpuset.cpus", "cpuset.mems", "cpuset.cpu_exclusive", "cpuset.memory_migrate"],
  pids: ["pids.max"],
  blkio: [
    "blkio.bfq.weight",
    "blkio.weight",
    "blkio.throttle.read_bps_device",
    "blkio.throttle.write_bps_device",
    "blkio.throttle.read_iops_device",
    "blkio.throttle.write_iops_device",
  ],
  devices: ["devices.list"],
  freezer: ["freezer.state"],
};

/** The mounted hierarchies: controller list of /proc/PID/cgroup → folder. */
function hierarchyFolder(controllers: string): string {
  if (controllers === "") return join(ROOT, "unified");
  return join(ROOT, controllers.replace(/^name=/, ""));
}

/** Where a process is, seen from the host, and the values of the files there. */
export function cgroupView(pid: number): { readonly paths: readonly string[]; readonly values: readonly string[] } {
  const paths = readProc(pid, "cgroup").trim().split("\n");
  const values = paths.flatMap((line) => {
    const [, controllers = "", ...rest] = line.split(":");
    const folder = join(hierarchyFolder(controllers), rest.join(":"));
    return controllers
      .split(",")
      .flatMap((controller) => FILES[controller] ?? [])
      .map((file) => join(folder, file))
      .filter((path) => existsSync(path))
      .flatMap((path) => readValue(path));
  });
  return { paths: paths.map((line) => line.replace(/^\d+:/, "")), values };
}

function readValue(path: string): readonly string[] {
  const name = path.slice(path.lastIndexOf("/") + 1);
  try {
    const lines = readFileSync(path, "utf8").trim().split("\n").sort();
    return lines.map((line) => `${name} ${line}`);
  } catch (error) {
    return [`${name} unreadable: ${error instanceof Error ? error.message : String(error)}`];
  }
}
