import type { LinuxCpu, LinuxResources } from "../../spec/resources.ts";

/** What a resource limit comes down to: a value for a file of the container's cgroup. */
export interface CgroupFile {
  /** The controller the file belongs to, as in cgroup.controllers or /proc/self/cgroup. */
  readonly controller: string;
  readonly file: string;
  readonly value: string;
  /** RFC 6901 pointer of the limit. */
  readonly from: string;
  /** What is written where the kernel lacks the file. */
  readonly fallback?: { readonly file: string; readonly value: string };
  /** The kernel may lack the file, for a value that is its default anyway. */
  readonly optional?: true;
}

/** config-linux.md § RDMA: the same file in both versions. */
export function rdmaFiles({ rdma = {} }: LinuxResources): readonly CgroupFile[] {
  return Object.entries(rdma).map(([device, { hcaHandles, hcaObjects }]) => {
    const handles = hcaHandles === undefined ? "" : ` hca_handle=${hcaHandles}`;
    const objects = hcaObjects === undefined ? "" : ` hca_object=${hcaObjects}`;
    const from = `/linux/resources/rdma/${device}`;
    return { controller: "rdma", file: "rdma.max", value: `${device}${handles}${objects}`, from };
  });
}

/** config-linux.md § CPU, `cpus` and `mems`: the same files in both versions. */
export function cpusetFiles(cpu: LinuxCpu): readonly CgroupFile[] {
  const files: CgroupFile[] = [];
  const add = (file: string, value: string | undefined, property: keyof LinuxCpu) => {
    if (value === undefined || value === "") return;
    files.push({ controller: "cpuset", file, value, from: `/linux/resources/cpu/${property}` });
  };
  add("cpuset.cpus", cpu.cpus, "cpus");
  add("cpuset.mems", cpu.mems, "mems");
  return files;
}

/** config-linux.md § PIDs: the same file in both versions. */
export function pidsFiles({ pids }: LinuxResources): readonly CgroupFile[] {
  const limit = pids?.limit;
  if (limit === undefined) return [];
  const value = limit < 0 ? "max" : String(limit);
  return [{ controller: "pids", file: "pids.max", value, from: `/linux/resources/pids/limit` }];
}
