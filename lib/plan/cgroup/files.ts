import type { LinuxResources } from "../../spec/resources.ts";

/** What a resource limit comes down to: a value for a file of the container's cgroup. */
export interface CgroupFile {
  /** The controller the file belongs to, as in cgroup.controllers or /proc/self/cgroup. */
  readonly controller: string;
  readonly file: string;
  readonly value: string;
  /** RFC 6901 pointer of the limit. */
  readonly from: string;
  /** What the file is called where the kernel lacks it. */
  readonly fallback?: string;
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
