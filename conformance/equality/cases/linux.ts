import { type EqualityCase, probeCase } from "../flow.ts";

/** config-linux.md § Devices. */
export function deviceCases(): readonly EqualityCase[] {
  const devices = [
    { path: "/dev/fuse", type: "c", major: 10, minor: 229, fileMode: 0o666, uid: 0, gid: 0 },
    { path: "/dev/in/a/folder", type: "c", major: 1, minor: 3, fileMode: 0o600, uid: 7, gid: 8 },
    { path: "/dev/block", type: "b", major: 7, minor: 0 },
    { path: "/dev/pipe", type: "p", fileMode: 0o640 },
    { path: "/outside", type: "u", major: 1, minor: 5, fileMode: 0o444 },
  ];
  return [
    probeCase({
      name: "devices/nodes",
      configure: ({ linux }) => {
        linux.devices = devices;
      },
      probe: { paths: ["/dev/in", "/dev/in/a/folder", "/outside"], devices: ["/dev/in/a/folder", "/outside"] },
    }),
    probeCase({
      name: "devices/nodes that replace a default",
      configure: ({ linux }) => {
        linux.devices = [{ path: "/dev/null", type: "c", major: 1, minor: 3, fileMode: 0o600, uid: 1, gid: 1 }];
      },
    }),
    probeCase({
      name: "devices/rules",
      via: "create",
      configure: ({ linux, process }) => {
        process.capabilities = { bounding: ["CAP_MKNOD"], effective: ["CAP_MKNOD"], permitted: ["CAP_MKNOD"] };
        linux.resources = {
          devices: [
            { allow: false, access: "rwm" },
            { allow: true, type: "b", major: 7, access: "r" },
            { allow: true, type: "c", major: 4, minor: 64, access: "rwm" },
            { allow: false, type: "c", major: 1, minor: 8, access: "r" },
          ],
        };
      },
    }),
    probeCase({
      name: "devices/all allowed",
      via: "create",
      configure: ({ linux, process }) => {
        process.capabilities = { bounding: ["CAP_MKNOD"], effective: ["CAP_MKNOD"], permitted: ["CAP_MKNOD"] };
        linux.resources = { devices: [{ allow: true, access: "rwm" }] };
      },
    }),
    probeCase({
      name: "devices/no rules",
      via: "create",
      configure: ({ linux }) => {
        linux.resources = {};
      },
    }),
    probeCase({
      name: "devices/in a user namespace",
      configure: ({ linux }) => {
        const mapping = [{ containerID: 0, hostID: 0, size: 65536 }];
        linux.namespaces.push({ type: "user" });
        linux.uidMappings = mapping;
        linux.gidMappings = mapping;
        linux.devices = devices.slice(0, 1);
      },
    }),
  ];
}

/** config-linux.md § Sysctl, config.md § Hostname, Domainname. */
export function kernelCases(): readonly EqualityCase[] {
  return [
    probeCase({
      name: "sysctl/of its namespaces",
      configure: ({ linux }) => {
        linux.sysctl = {
          "net.ipv4.ip_forward": "1",
          "net.ipv4.ping_group_range": "0 2147483647",
          "net.ipv4.ip_unprivileged_port_start": "0",
          "kernel.shmmax": "1000000",
          "kernel.msgmax": "4096",
          "fs.mqueue.msg_max": "50",
        };
      },
    }),
    probeCase({
      name: "sysctl/with slashes",
      configure: ({ linux }) => {
        linux.sysctl = { "net/ipv4/conf/lo/forwarding": "0", "net/ipv4/ip_forward": "1" };
      },
    }),
    probeCase({
      name: "uts/hostname absent",
      configure: (config) => {
        delete config.hostname;
      },
    }),
    probeCase({
      name: "uts/domainname",
      configure: (config) => {
        config.domainname = "example.org";
      },
    }),
    probeCase({
      name: "uts/longest hostname",
      configure: (config) => {
        config.hostname = "h".repeat(64);
      },
    }),
  ];
}

function resourceCase(name: string, resources: object): EqualityCase {
  return probeCase({
    name: `cgroups/${name}`,
    via: "create",
    configure: ({ linux }) => {
      linux.resources = { devices: [{ allow: false, access: "rwm" }], ...resources };
    },
  });
}

/** config-linux.md § Control groups, on cgroup v1 and hybrid machines. */
export function cgroupCases(): readonly EqualityCase[] {
  return [
    resourceCase("memory limit", { memory: { limit: 67108864 } }),
    resourceCase("memory limit and reservation", { memory: { limit: 67108864, reservation: 33554432 } }),
    resourceCase("memory and swap", { memory: { limit: 67108864, swap: 134217728 } }),
    resourceCase("memory unlimited", { memory: { limit: -1 } }),
    resourceCase("memory swappiness and oom", { memory: { limit: 67108864, swappiness: 10, disableOOMKiller: true } }),
    resourceCase("cpu shares", { cpu: { shares: 512 } }),
    resourceCase("cpu quota", { cpu: { quota: 50000, period: 200000 } }),
    resourceCase("cpu quota without period", { cpu: { quota: 20000 } }),
    resourceCase("cpu unlimited", { cpu: { quota: -1, period: 50000 } }),
    resourceCase("cpuset", { cpu: { cpus: "1", mems: "0" } }),
    resourceCase("cpuset range", { cpu: { cpus: "0-1" } }),
    resourceCase("pids", { pids: { limit: 100 } }),
    resourceCase("pids unlimited", { pids: { limit: -1 } }),
    resourceCase("pids zero", { pids: { limit: 0 } }),
    resourceCase("block io throttle", {
      blockIO: {
        throttleReadBpsDevice: [{ major: 254, minor: 0, rate: 1048576 }],
        throttleWriteIOPSDevice: [{ major: 254, minor: 0, rate: 100 }],
      },
    }),
    resourceCase("everything docker sets", {
      memory: { limit: 134217728, swap: 268435456, reservation: 67108864 },
      cpu: { shares: 1024, quota: 100000, period: 100000, cpus: "0-1", mems: "0" },
      pids: { limit: 512 },
    }),
    probeCase({
      name: "cgroups/path absent",
      via: "create",
      configure: ({ linux }) => {
        delete linux.cgroupsPath;
      },
    }),
    probeCase({
      name: "cgroups/relative path",
      via: "create",
      configure: ({ linux }, session) => {
        linux.cgroupsPath = session.cgroup.slice(1);
      },
    }),
    probeCase({
      name: "cgroups/deep path",
      via: "create",
      configure: ({ linux }, session) => {
        linux.cgroupsPath = `${session.cgroup}/a/b`;
      },
    }),
  ];
}

/** config-linux.md § Seccomp. */
export function seccompCases(): readonly EqualityCase[] {
  const rule = (names: readonly string[], action: string, more: object = {}): object => ({ names, action, ...more });
  return [
    probeCase({
      name: "seccomp/errno",
      configure: ({ linux }) => {
        linux.seccomp = {
          defaultAction: "SCMP_ACT_ALLOW",
          architectures: ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_X32"],
          syscalls: [
            rule(["mkdir", "mkdirat"], "SCMP_ACT_ERRNO", { errnoRet: 95 }),
            rule(["chmod", "fchmodat"], "SCMP_ACT_ERRNO"),
          ],
        };
      },
      probe: { extra: "mkdir /tmp/made 2>&1; chmod 700 /tmp 2>&1; grep -i seccomp /proc/self/status" },
    }),
    probeCase({
      name: "seccomp/arguments without no_new_privs",
      configure: ({ linux, process }) => {
        process.noNewPrivileges = false;
        linux.seccomp = {
          defaultAction: "SCMP_ACT_ALLOW",
          syscalls: [rule(["kill"], "SCMP_ACT_ERRNO", { args: [{ index: 1, value: 10, op: "SCMP_CMP_EQ" }] })],
        };
      },
      probe: { extra: "kill -USR1 1 2>&1; kill -0 1 2>&1; grep -i seccomp /proc/self/status" },
    }),
    ...(["run", "create"] as const).map((via) =>
      probeCase({
        name: `seccomp/of an older kernel, without no_new_privs (${via})`,
        via,
        configure: ({ linux, process }) => {
          process.noNewPrivileges = false;
          const newer = ["statx", "faccessat2", "close_range", "openat2", "clone3", "mount_setattr"];
          linux.seccomp = { defaultAction: "SCMP_ACT_ALLOW", syscalls: [rule(newer, "SCMP_ACT_ERRNO")] };
        },
        probe: { extra: "grep -i seccomp /proc/self/status" },
      }),
    ),
    probeCase({
      name: "seccomp/kill",
      configure: ({ linux }) => {
        linux.seccomp = {
          defaultAction: "SCMP_ACT_ALLOW",
          syscalls: [rule(["rmdir", "unlinkat"], "SCMP_ACT_KILL_PROCESS")],
        };
      },
      probe: { extra: 'mkdir /tmp/made; rmdir /tmp/made 2>&1; echo "status $?"' },
    }),
    probeCase({
      name: "seccomp/unknown system call",
      configure: ({ linux }) => {
        linux.seccomp = { defaultAction: "SCMP_ACT_ALLOW", syscalls: [rule(["call_of_the_future"], "SCMP_ACT_ERRNO")] };
      },
    }),
  ];
}
