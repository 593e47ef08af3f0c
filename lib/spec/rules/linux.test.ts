import { expect } from "chai";
import { describe, it } from "mocha";
import { configWith, faultsOf, matched } from "../test-config.ts";

interface LinuxCase {
  readonly name: string;
  readonly linux: object;
  readonly faults?: readonly string[];
}

const device = { path: "/dev/a", type: "c", major: 1, minor: 3 };
const ALLOW = "SCMP_ACT_ALLOW";

function seccomp(properties: object): object {
  return { seccomp: { defaultAction: "SCMP_ACT_ERRNO", ...properties } };
}

function syscall(properties: object): object {
  return seccomp({ syscalls: [{ names: ["read"], action: ALLOW, ...properties }] });
}

function resources(properties: object): object {
  return { resources: properties };
}

const tables: Record<string, LinuxCase[]> = {
  devices: [
    {
      name: "takes a device, a FIFO and the same device again",
      linux: { devices: [device, { path: "/dev/p", type: "p" }, { ...device, type: "u" }] },
    },
    { name: "takes file type bits in the mode, as runc does", linux: { devices: [{ ...device, fileMode: 0o20666 }] } },
    {
      name: "wants an absolute path",
      linux: { devices: [{ ...device, path: "null" }] },
      faults: ["/devices/0/path: must be an absolute path"],
    },
    {
      name: "wants a known type",
      linux: { devices: [{ ...device, type: "x" }] },
      faults: ['/devices/0/type: must be one of "b", "c", "u", "p"'],
    },
    {
      name: "wants numbers",
      linux: { devices: [{ path: "/dev/a", type: "b" }] },
      faults: ["/devices/0/major: must be an integer", "/devices/0/minor: must be an integer"],
    },
    {
      name: "refuses two devices at one path",
      linux: { devices: [device, { ...device, path: "/dev//a", minor: 5 }] },
      faults: ["/devices/1/path: must not be listed again as another device than c 1:3"],
    },
  ],
  "network devices": [
    {
      name: "takes a new name",
      linux: { namespaces: [{ type: "network" }], netDevices: { eth0: { name: "ctr0" }, eth1: {} } },
    },
    {
      name: "wants a network namespace",
      linux: { netDevices: { eth0: {} } },
      faults: ["/netDevices: must be absent unless"],
    },
    ...["", "a/b", ".", "..", "a b", "a:b", "sixteen-letters-", "ääääääää"].map((name) => ({
      name: `refuses the name ${JSON.stringify(name)}`,
      linux: { namespaces: [{ type: "network" }], netDevices: { [name]: {} } },
      faults: [`/netDevices/${name.replaceAll("/", "~1")}: must be listed by an interface name`],
    })),
    {
      name: "refuses a bad new name",
      linux: { namespaces: [{ type: "network" }], netDevices: { eth0: { name: "a/b" } } },
      faults: ["/netDevices/eth0/name: must be an interface name"],
    },
    {
      name: "refuses a name given twice",
      linux: { namespaces: [{ type: "network" }], netDevices: { eth0: {}, eth1: { name: "eth0" } } },
      faults: ["/netDevices/eth1/name: must not be the name that eth0 gets"],
    },
  ],
  cgroupsPath: [
    { name: "takes systemd's form and dots in names", linux: { cgroupsPath: "system.slice:docker:a..b" } },
    { name: "refuses ..", linux: { cgroupsPath: "/a/../../b" }, faults: ['/cgroupsPath: must not contain ".."'] },
  ],
  intelRdt: [
    ...["/", "guaranteed"].map((closID) => ({ name: `takes ${closID}`, linux: { intelRdt: { closID } } })),
    ...[".", "..", "a/b", "info", "mon_groups"].map((closID) => ({
      name: `refuses ${closID}`,
      linux: { intelRdt: { closID } },
      faults: ["/intelRdt/closID: must be a directory name"],
    })),
    {
      name: "refuses a newline in a schema line",
      linux: { intelRdt: { schemata: ["L3:0=f\n"] } },
      faults: ["/intelRdt/schemata/0: must be a string"],
    },
  ],
  memoryPolicy: [
    {
      name: "takes a node list",
      linux: { memoryPolicy: { mode: "MPOL_INTERLEAVE", nodes: "0,2-3", flags: ["MPOL_F_STATIC_NODES"] } },
    },
    { name: "takes no nodes for the default", linux: { memoryPolicy: { mode: "MPOL_DEFAULT", nodes: "" } } },
    { name: "takes preferred without nodes", linux: { memoryPolicy: { mode: "MPOL_PREFERRED" } } },
    { name: "wants a mode", linux: { memoryPolicy: {} }, faults: ["/memoryPolicy/mode: must be one of"] },
    {
      name: "wants nodes to bind to",
      linux: { memoryPolicy: { mode: "MPOL_BIND" } },
      faults: ["/memoryPolicy/nodes: must name at least one node"],
    },
    {
      name: "refuses nodes for local",
      linux: { memoryPolicy: { mode: "MPOL_LOCAL", nodes: "0" } },
      faults: ["/memoryPolicy/nodes: must be absent"],
    },
    {
      name: "refuses a node list that is none",
      linux: { memoryPolicy: { mode: "MPOL_BIND", nodes: "all" } },
      faults: ["/memoryPolicy/nodes: must be a list"],
    },
    {
      name: "refuses a range that descends",
      linux: { memoryPolicy: { mode: "MPOL_BIND", nodes: "2-1" } },
      faults: ["/memoryPolicy/nodes: must have ascending ranges"],
    },
    {
      name: "refuses flags without nodes",
      linux: { memoryPolicy: { mode: "MPOL_PREFERRED", flags: ["MPOL_F_STATIC_NODES"] } },
      faults: ["/memoryPolicy/flags/0: must not be used without nodes"],
    },
    {
      name: "refuses both node flags",
      linux: {
        memoryPolicy: { mode: "MPOL_BIND", nodes: "0", flags: ["MPOL_F_STATIC_NODES", "MPOL_F_RELATIVE_NODES"] },
      },
      faults: ["/memoryPolicy/flags/0: must not be used together", "/memoryPolicy/flags/1: must not be used together"],
    },
    {
      name: "refuses balancing elsewhere",
      linux: { memoryPolicy: { mode: "MPOL_INTERLEAVE", nodes: "0", flags: ["MPOL_F_NUMA_BALANCING"] } },
      faults: ["/memoryPolicy/flags/0: must not be used unless the mode"],
    },
  ],
  "memoryPolicy flags": [
    {
      name: "takes balancing with preferred nodes",
      linux: { memoryPolicy: { mode: "MPOL_PREFERRED_MANY", nodes: "0", flags: ["MPOL_F_NUMA_BALANCING"] } },
    },
    {
      name: "takes balancing with bound nodes",
      linux: { memoryPolicy: { mode: "MPOL_BIND", nodes: "0", flags: ["MPOL_F_NUMA_BALANCING"] } },
    },
  ],
  personality: [
    { name: "takes LINUX32", linux: { personality: { domain: "LINUX32" } } },
    {
      name: "refuses another domain",
      linux: { personality: { domain: "SVR4" } },
      faults: ['/personality/domain: must be one of "LINUX", "LINUX32"'],
    },
  ],
  resources: [
    {
      name: "takes unlimited",
      linux: resources({ memory: { limit: -1, swap: -1, swappiness: 100 }, pids: { limit: -1 }, cpu: { quota: -1 } }),
    },
    {
      name: "takes what moby writes for unset",
      linux: resources({ memory: { swappiness: 2 ** 64 }, blockIO: { weight: 0 }, pids: {} }),
    },
    {
      name: "refuses a limit below -1",
      linux: resources({ memory: { limit: -2 } }),
      faults: ["/resources/memory/limit: must be -1 for unlimited, or"],
    },
    {
      name: "refuses a swappiness above 100",
      linux: resources({ memory: { swappiness: 101 } }),
      faults: ["/resources/memory/swappiness: must be an integer from 0 to 100"],
    },
    {
      name: "refuses negative shares",
      linux: resources({ cpu: { shares: -1 } }),
      faults: ["/resources/cpu/shares: must be an integer from 0 to 2^64-1"],
    },
    {
      name: "refuses half a microsecond",
      linux: resources({ cpu: { period: 0.5 } }),
      faults: ["/resources/cpu/period: must be an integer"],
    },
    { name: "refuses idle 2", linux: resources({ cpu: { idle: 2 } }), faults: ["/resources/cpu/idle: must be 0 or 1"] },
    {
      name: "takes weights",
      linux: resources({ blockIO: { weight: 10, weightDevice: [{ major: 8, minor: 0, weight: 1000 }] } }),
    },
    {
      name: "refuses weights below 10",
      linux: resources({ blockIO: { weight: 9, weightDevice: [{ major: 8, minor: 0, leafWeight: 1 }] } }),
      faults: [
        "/resources/blockIO/weight: must be 0 for unset",
        "/resources/blockIO/weightDevice/0/leafWeight: must be 0 for unset",
      ],
    },
    {
      name: "refuses weights above 1000",
      linux: resources({ blockIO: { leafWeight: 1001 } }),
      faults: ["/resources/blockIO/leafWeight: must be 0 for unset"],
    },
    {
      name: "wants a throttled device",
      linux: resources({ blockIO: { throttleReadBpsDevice: [{ rate: 1 }] } }),
      faults: [
        "/resources/blockIO/throttleReadBpsDevice/0/major: must be",
        "/resources/blockIO/throttleReadBpsDevice/0/minor: must be",
      ],
    },
    ...["64KB", "2MB", "1GB"].map((pageSize) => ({
      name: `takes ${pageSize}`,
      linux: resources({ hugepageLimits: [{ pageSize, limit: 0 }] }),
    })),
    ...["2M", "0MB", "02MB", "2mb", "1TB", "../x"].map((pageSize) => ({
      name: `refuses the page size ${pageSize}`,
      linux: resources({ hugepageLimits: [{ pageSize, limit: 0 }] }),
      faults: ["/resources/hugepageLimits/0/pageSize: must be a page size"],
    })),
    {
      name: "takes unified file names with values of several lines",
      linux: resources({ unified: { "io.max": "8:0\n8:16" } }),
    },
    ...["a/b", ".", "..", ""].map((key) => ({
      name: `refuses the unified key ${JSON.stringify(key)}`,
      linux: resources({ unified: { [key]: "1" } }),
      faults: [`/resources/unified/${key.replaceAll("/", "~1")}: must have the name of a file`],
    })),
    {
      name: "refuses an RDMA device with a space",
      linux: resources({ rdma: { "a b": { hcaHandles: 1 } } }),
      faults: ["/resources/rdma/a b: must have the name of an RDMA device"],
    },
    {
      name: "refuses a classID above 32 bits",
      linux: resources({ network: { classID: 4294967296 } }),
      faults: ["/resources/network/classID: must be an integer from 0 to 4294967295"],
    },
    {
      name: "takes device rules",
      linux: resources({
        devices: [
          { allow: false, access: "rwm" },
          { allow: true, type: "c", major: 1, minor: -1, access: "r" },
          { allow: true, type: "", access: "m" },
        ],
      }),
    },
    {
      name: "wants access, as runc does",
      linux: resources({ devices: [{ allow: true }] }),
      faults: ["/resources/devices/0/access: must be one or more"],
    },
    {
      name: "refuses other access",
      linux: resources({ devices: [{ allow: true, access: "rx" }] }),
      faults: ["/resources/devices/0/access: must be one or more"],
    },
    {
      name: "refuses a FIFO as rule",
      linux: resources({ devices: [{ allow: true, type: "p", access: "r" }] }),
      faults: ['/resources/devices/0/type: must be one of "a", "b", "c"'],
    },
  ],
  seccomp: [
    {
      name: "takes an errno for ERRNO and TRACE",
      linux: seccomp({ defaultErrnoRet: 38, syscalls: [{ names: ["a"], action: "SCMP_ACT_TRACE", errnoRet: 1 }] }),
    },
    {
      name: "wants a name in every rule",
      linux: syscall({ names: [] }),
      faults: ["/seccomp/syscalls/0/names: must be an array of at least one name"],
    },
    { name: "wants a default action", linux: { seccomp: {} }, faults: ["/seccomp/defaultAction: must be one of"] },
    {
      name: "refuses an unknown action",
      linux: syscall({ action: "ALLOW" }),
      faults: ["/seccomp/syscalls/0/action: must be one of"],
    },
    {
      name: "refuses an unknown architecture",
      linux: seccomp({ architectures: ["amd64"] }),
      faults: ["/seccomp/architectures/0: must be one of"],
    },
    {
      name: "refuses an unknown flag",
      linux: seccomp({ flags: ["FOO"] }),
      faults: ["/seccomp/flags/0: must be one of"],
    },
    {
      name: "refuses a default errno with another action",
      linux: seccomp({ defaultAction: ALLOW, defaultErrnoRet: 1 }),
      faults: ['/seccomp/defaultErrnoRet: must be absent with the action "SCMP_ACT_ALLOW"'],
    },
    {
      name: "refuses an errno with another action",
      linux: syscall({ errnoRet: 1 }),
      faults: ["/seccomp/syscalls/0/errnoRet: must be absent with the action"],
    },
    {
      name: "takes NOTIFY with a listener",
      linux: seccomp({ listenerPath: "/run/l", syscalls: [{ names: ["read"], action: "SCMP_ACT_NOTIFY" }] }),
    },
    {
      name: "refuses NOTIFY by default",
      linux: seccomp({ defaultAction: "SCMP_ACT_NOTIFY", listenerPath: "/l" }),
      faults: ["/seccomp/defaultAction: SCMP_ACT_NOTIFY cannot be used as default action"],
    },
    {
      name: "refuses NOTIFY without a listener",
      linux: syscall({ action: "SCMP_ACT_NOTIFY" }),
      faults: ["/seccomp/syscalls/0/action: must not be used without a listenerPath"],
    },
    ...["write", "sendmsg"].map((name) => ({
      name: `refuses NOTIFY for ${name}`,
      linux: seccomp({ listenerPath: "/l", syscalls: [{ names: ["read", name], action: "SCMP_ACT_NOTIFY" }] }),
      faults: [`/seccomp/syscalls/0/names/1: SCMP_ACT_NOTIFY cannot be used for the ${name} syscall`],
    })),
    ...["l", "./l"].map((listenerPath) => ({
      name: `wants the listener's path to be absolute: ${listenerPath}`,
      linux: seccomp({ listenerPath }),
      faults: ["/seccomp/listenerPath: must be an absolute path"],
    })),
    {
      name: "takes a comparison",
      linux: syscall({ args: [{ index: 5, value: 2 ** 64, valueTwo: 0, op: "SCMP_CMP_MASKED_EQ" }] }),
    },
    {
      name: "refuses argument 6",
      linux: syscall({ args: [{ index: 6, value: 0, op: "SCMP_CMP_EQ" }] }),
      faults: ["/seccomp/syscalls/0/args/0/index: must be an integer from 0 to 5"],
    },
    {
      name: "refuses an unknown operator",
      linux: syscall({ args: [{ index: 0, value: 0, op: "==" }] }),
      faults: ["/seccomp/syscalls/0/args/0/op: must be one of"],
    },
  ],
};

for (const [subject, cases] of Object.entries(tables)) {
  describe(`rules of linux: ${subject}`, () => {
    for (const c of cases) {
      it(c.name, () => {
        const faults = (c.faults ?? []).map((fault) => `/linux${fault}`);
        expect(matched(faultsOf(configWith({ linux: c.linux })), faults)).to.deep.equal(faults);
      });
    }
  });
}
