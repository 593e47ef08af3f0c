import { expect } from "chai";
import { describe, it } from "mocha";
import type { LinuxResources } from "../../spec/resources.ts";
import { deviceFilesV1, filesV1 } from "./v1.ts";

function writes(resources: LinuxResources): readonly string[] {
  return filesV1(resources).map(({ file, value, optional }) => `${file}=${value}${optional ? " if there" : ""}`);
}

describe("filesV1()", () => {
  const cases: readonly {
    readonly name: string;
    readonly resources: LinuxResources;
    readonly writes: readonly string[];
  }[] = [
    { name: "nothing", resources: {}, writes: [] },
    {
      name: "memory: the limit before the larger memory and swap",
      resources: { memory: { swap: 150, limit: 100, reservation: 50, swappiness: 0, disableOOMKiller: true } },
      writes: [
        "memory.limit_in_bytes=100",
        "memory.memsw.limit_in_bytes=150",
        "memory.soft_limit_in_bytes=50",
        "memory.oom_control=1",
        "memory.swappiness=0",
      ],
    },
    {
      name: "memory without limits",
      resources: { memory: { limit: -1, swap: -1, disableOOMKiller: false } },
      writes: ["memory.limit_in_bytes=-1", "memory.memsw.limit_in_bytes=-1"],
    },
    {
      name: "memory: what runc ignores",
      resources: { memory: { kernel: 1, kernelTCP: 1, useHierarchy: true } },
      writes: [],
    },
    {
      name: "cpu: each period before what is checked against it",
      resources: {
        cpu: {
          burst: 10,
          quota: 50,
          period: 100,
          realtimeRuntime: 5,
          realtimePeriod: 20,
          shares: 512,
          idle: 0,
        },
      },
      writes: [
        "cpu.shares=512",
        "cpu.idle=0",
        "cpu.rt_period_us=20",
        "cpu.rt_runtime_us=5",
        "cpu.cfs_period_us=100",
        "cpu.cfs_quota_us=50",
        "cpu.cfs_burst_us=10",
      ],
    },
    { name: "cpu: no quota", resources: { cpu: { quota: -1 } }, writes: ["cpu.cfs_quota_us=-1"] },
    {
      name: "cpu: 0 is unset",
      resources: { cpu: { shares: 0, quota: 0, period: 0, realtimePeriod: 0, cpus: "", mems: "" } },
      writes: [],
    },
    {
      name: "cpuset",
      resources: { cpu: { mems: "0", cpus: "0-3,7" } },
      writes: ["cpuset.cpus=0-3,7", "cpuset.mems=0"],
    },
    { name: "pids", resources: { pids: { limit: 100 } }, writes: ["pids.max=100"] },
    { name: "pids: -1", resources: { pids: { limit: -1 } }, writes: ["pids.max=max"] },
    {
      name: "hugetlb: reservations, where the kernel has them",
      resources: { hugepageLimits: [{ pageSize: "2MB", limit: 4_194_304 }] },
      writes: ["hugetlb.2MB.limit_in_bytes=4194304", "hugetlb.2MB.rsvd.limit_in_bytes=4194304 if there"],
    },
    {
      name: "network",
      resources: { network: { classID: 0, priorities: [{ name: "eth0", priority: 5 }] } },
      writes: ["net_cls.classid=0", "net_prio.ifpriomap=eth0 5"],
    },
    {
      name: "blkio",
      resources: {
        blockIO: {
          weight: 500,
          leafWeight: 300,
          weightDevice: [
            { major: 8, minor: 0, weight: 600, leafWeight: 200 },
            { major: 8, minor: 16, leafWeight: 100 },
          ],
          throttleReadBpsDevice: [{ major: 8, minor: 0, rate: 1 }],
          throttleWriteBpsDevice: [{ major: 8, minor: 0, rate: 2 }],
          throttleReadIOPSDevice: [{ major: 8, minor: 0, rate: 3 }],
          throttleWriteIOPSDevice: [{ major: 8, minor: 0 }],
        },
      },
      writes: [
        "blkio.weight=500",
        "blkio.leaf_weight=300",
        "blkio.weight_device=8:0 600",
        "blkio.leaf_weight_device=8:0 200",
        "blkio.leaf_weight_device=8:16 100",
        "blkio.throttle.read_bps_device=8:0 1",
        "blkio.throttle.write_bps_device=8:0 2",
        "blkio.throttle.read_iops_device=8:0 3",
        "blkio.throttle.write_iops_device=8:0 0",
      ],
    },
    { name: "blkio: a weight of 0 is unset", resources: { blockIO: { weight: 0, leafWeight: 0 } }, writes: [] },
  ];
  for (const each of cases) {
    it(each.name, () => expect(writes(each.resources)).to.deep.equal(each.writes));
  }

  it("names controller and property of every file", () => {
    const files = filesV1({
      memory: { limit: 1 },
      cpu: { shares: 2, cpus: "0" },
      network: { classID: 1, priorities: [{ name: "lo", priority: 1 }] },
      blockIO: { throttleReadIOPSDevice: [{ major: 8, minor: 0 }] },
    });
    expect(files.map(({ controller, from }) => [controller, from.replace("/linux/resources/", "")])).to.deep.equal([
      ["memory", "memory/limit"],
      ["cpu", "cpu/shares"],
      ["cpuset", "cpu/cpus"],
      ["net_cls", "network/classID"],
      ["net_prio", "network/priorities/0"],
      ["blkio", "blockIO/throttleReadIOPSDevice/0"],
    ]);
  });
});

describe("deviceFilesV1()", () => {
  const texts: readonly (readonly [name: string, rule: Parameters<typeof deviceFilesV1>[0][number], text: string])[] = [
    ["everything", { allow: false, access: "rwm" }, "deny=a"],
    ["everything, by its letter", { allow: true, type: "a", major: 1, minor: 2, access: "r" }, "allow=a"],
    ["one device", { allow: true, type: "c", major: 1, minor: 3, access: "rw" }, "allow=c 1:3 rw"],
    ["all minors", { allow: true, type: "b", major: 8, access: "m" }, "allow=b 8:* m"],
    ["all majors", { allow: false, type: "c", major: -1, minor: 5, access: "w" }, "deny=c *:5 w"],
    ["major 0 and minor 0", { allow: false, type: "c", major: 0, minor: 0, access: "w" }, "deny=c 0:0 w"],
    ["every access", { allow: true, type: "c", major: 1, minor: 3 }, "allow=c 1:3 rwm"],
  ];
  for (const [name, rule, text] of texts) {
    it(`${name}: ${text}`, () => {
      const [, file] = deviceFilesV1([rule], []);
      expect(`${file?.file}=${file?.value}`).to.equal(`devices.${text}`);
    });
  }

  it("denies everything first, and allows the defaults last", () => {
    const files = deviceFilesV1([{ allow: true }], [{ allow: true, type: "c", access: "m" }]);
    expect(files.map(({ file, value, from }) => [file, value, from])).to.deep.equal([
      ["devices.deny", "a", ""],
      ["devices.allow", "a", "/linux/resources/devices/0"],
      ["devices.allow", "c *:* m", ""],
    ]);
  });
});
