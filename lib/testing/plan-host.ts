import type { Hierarchy, Host, Request } from "../plan/host.ts";

/** For tests: the request every plan is compiled for. */
export const REQUEST: Request = {
  id: "web",
  rootfs: "/var/lib/bundle/rootfs",
  bundle: "/var/lib/bundle",
  noPivot: false,
  noNewKeyring: false,
  preserveFds: 0,
  initPid: 1,
};

const CALLER = {
  architecture: "x64",
  lastCapability: 40,
  nofile: { soft: 1024n, hard: 1_048_576n },
  ignoredSignals: [13, 25, 40],
  nullStdio: [0],
  givenStdio: [1, 2],
} as const;

/** As systemd mounts them, in the order of /proc/self/cgroup. */
const HIERARCHIES: readonly Hierarchy[] = [
  hierarchy("pids"),
  hierarchy("memory"),
  hierarchy("net_cls", "net_prio"),
  hierarchy("freezer"),
  hierarchy("perf_event"),
  hierarchy("rdma"),
  hierarchy("devices"),
  hierarchy("cpu", "cpuacct"),
  hierarchy("hugetlb"),
  hierarchy("blkio"),
  {
    ...hierarchy("cpuset"),
    cpuset: { cpus: "0-3", mems: "0", fill: ["/sys/fs/cgroup/cpuset/docker", "/sys/fs/cgroup/cpuset/docker/web"] },
  },
  hierarchy("name=systemd"),
];

function hierarchy(...controllers: readonly string[]): Hierarchy {
  const mountPoint = `/sys/fs/cgroup/${controllers.join(",").replace("name=", "")}`;
  return { controllers, mountPoint, directory: `${mountPoint}/docker/web` };
}

/** For tests: cgroup v1 with a v2 hierarchy beside it. */
export const HYBRID: Host = {
  ...CALLER,
  cgroups: {
    mode: "v1",
    hierarchies: HIERARCHIES,
    unified: { mountPoint: "/sys/fs/cgroup/unified", directory: "/sys/fs/cgroup/unified/docker/web" },
  },
};

/** For tests: cgroup v1 alone, with two hierarchies, and a kernel with two capabilities: short plans. */
export const LEGACY: Host = {
  ...CALLER,
  lastCapability: 1,
  cgroups: { mode: "v1", hierarchies: [hierarchy("devices"), hierarchy("pids")] },
};

const MOUNT_POINT = "/sys/fs/cgroup";

/** For tests: cgroup v2 with every controller. */
export const V2: Host = {
  ...CALLER,
  cgroups: {
    mode: "v2",
    mountPoint: MOUNT_POINT,
    directory: `${MOUNT_POINT}/docker/web`,
    controllers: ["cpuset", "cpu", "io", "memory", "hugetlb", "pids", "rdma"],
  },
};

/** For tests: an ordinary user of that host, who may make no cgroups. */
export const ORDINARY_USER: Host = {
  ...CALLER,
  lastCapability: 1,
  rootless: { uid: 1000, gid: 1001, newuidmap: "/usr/bin/newuidmap", newgidmap: "/usr/bin/newgidmap" },
  setgroups: "allow",
  cgroups: { mode: "v1", hierarchies: [], denied: ["/sys/fs/cgroup/web"] },
  cgroupView: { mode: "v2", mountPoint: "/sys/fs/cgroup", directory: "/sys/fs/cgroup/user", controllers: ["pids"] },
};

/** For tests: root of a user namespace in which another runtime, or unshare(1), has put it. */
export const NESTED_ROOT: Host = { ...ORDINARY_USER, rootless: { uid: 0, gid: 0 }, setgroups: "deny" };

/** For tests: cgroup v2 with one controller, and a kernel with two capabilities: short plans. */
export const SMALL_V2: Host = {
  ...CALLER,
  lastCapability: 1,
  cgroups: { mode: "v2", mountPoint: MOUNT_POINT, directory: `${MOUNT_POINT}/web`, controllers: ["pids"] },
};
