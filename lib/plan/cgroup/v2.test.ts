import { expect } from "chai";
import { describe, it } from "mocha";
import { ContainerError } from "../../errors.ts";
import type { LinuxResources } from "../../spec/resources.ts";
import { blkioToIoWeight, filesV2, sharesToWeight, swapToV2 } from "./v2.ts";

/** `file=value`, in the order of the writes. */
function writes(resources: LinuxResources): readonly string[] {
  return filesV2(resources).map(({ file, value, optional }) => `${file}=${value}${optional ? " if there" : ""}`);
}

describe("sharesToWeight()", () => {
  /** runc's and crun's vectors of the curve of 2025. */
  const vectors = {
    0: 0,
    1: 1,
    2: 1,
    3: 2,
    10: 4,
    100: 17,
    256: 35,
    512: 59,
    1000: 99,
    1024: 100,
    2048: 174,
    4096: 303,
    10240: 639,
    65536: 3023,
    262144: 10_000,
    300000: 10_000,
  };
  for (const [shares, weight] of Object.entries(vectors)) {
    it(`${shares} is ${weight}`, () => expect(sharesToWeight(Number(shares))).to.equal(weight));
  }
  it("stays in range and never falls", () => {
    const weights = Array.from({ length: 262_143 }, (_, index) => sharesToWeight(index + 2));
    expect(weights.filter((weight, index) => weight < (weights[index - 1] ?? 1) || weight > 10_000)).to.deep.equal([]);
  });
});

describe("blkioToIoWeight()", () => {
  for (const [weight, io] of [
    [0, 0],
    [10, 1],
    [100, 910],
    [500, 4950],
    [1000, 10_000],
  ] as const) {
    it(`${weight} is ${io}`, () => expect(blkioToIoWeight(weight)).to.equal(io));
  }
});

describe("swapToV2()", () => {
  for (const [name, memory, swap] of [
    ["nothing", {}, undefined],
    ["a limit alone", { limit: 100 }, undefined],
    ["swap 0", { limit: 100, swap: 0 }, undefined],
    ["no limit, swap 0", { limit: -1, swap: 0 }, "max"],
    ["no limit, swap unset", { limit: -1 }, "max"],
    ["swap unlimited", { limit: 100, swap: -1 }, "max"],
    ["swap unlimited without a limit", { swap: -1 }, "max"],
    ["no limit, some swap", { limit: -1, swap: 70 }, "70"],
    ["the same as the limit", { limit: 100, swap: 100 }, "0"],
    ["more than the limit", { limit: 100, swap: 150 }, "50"],
  ] as const) {
    it(`${name}: ${swap}`, () => expect(swapToV2(memory)).to.equal(swap));
  }
  for (const [name, memory, message] of [
    ["swap without a limit", { swap: 100 }, /unable to set swap limit without memory limit/],
    ["swap with a limit of 0", { limit: 0, swap: 100 }, /unable to set swap limit without memory limit/],
    ["less than the limit", { limit: 100, swap: 99 }, /memory\+swap limit should be >= memory limit/],
  ] as const) {
    it(`refuses ${name}`, () => {
      const refused = expect(() => swapToV2(memory)).to.throw(ContainerError, message);
      refused.with.property("code", "invalid_argument");
    });
  }
});

describe("filesV2()", () => {
  const cases: readonly {
    readonly name: string;
    readonly resources: LinuxResources;
    readonly writes: readonly string[];
  }[] = [
    { name: "nothing", resources: {}, writes: [] },
    {
      name: "memory: swap before the limit",
      resources: { memory: { limit: 100, swap: 150, reservation: 50, swappiness: 5, disableOOMKiller: true } },
      writes: ["memory.swap.max=50", "memory.max=100", "memory.low=50"],
    },
    {
      name: "memory without a limit: a kernel without swap accounting is fine",
      resources: { memory: { limit: -1, swap: -1, reservation: -1 } },
      writes: ["memory.swap.max=max if there", "memory.max=max", "memory.low=max"],
    },
    {
      name: "no swap at all: a kernel without swap accounting is fine",
      resources: { memory: { limit: 100, swap: 100 } },
      writes: ["memory.swap.max=0 if there", "memory.max=100"],
    },
    { name: "memory: 0 is unset", resources: { memory: { limit: 0, reservation: 0, swap: 0 } }, writes: [] },
    { name: "cpu: 0 is unset", resources: { cpu: { shares: 0, quota: 0, period: 0, cpus: "", mems: "" } }, writes: [] },
    {
      name: "cpu: the burst after the quota it is checked against",
      resources: { cpu: { burst: 10, quota: 50, period: 100, shares: 1024 } },
      writes: ["cpu.weight=100", "cpu.max=50 100", "cpu.max.burst=10"],
    },
    { name: "cpu: a quota alone", resources: { cpu: { quota: 50_000 } }, writes: ["cpu.max=50000 100000"] },
    { name: "cpu: a period alone", resources: { cpu: { period: 50_000 } }, writes: ["cpu.max=max 50000"] },
    { name: "cpu: no quota", resources: { cpu: { quota: -1, period: 7 } }, writes: ["cpu.max=max 7"] },
    { name: "cpu: idle refuses a weight", resources: { cpu: { idle: 1, shares: 512 } }, writes: ["cpu.idle=1"] },
    {
      name: "cpu: idle before the weight",
      resources: { cpu: { idle: 0, shares: 512 } },
      writes: ["cpu.idle=0", "cpu.weight=59"],
    },
    {
      name: "cpuset",
      resources: { cpu: { mems: "0", cpus: "0-3,7" } },
      writes: ["cpuset.cpus=0-3,7", "cpuset.mems=0"],
    },
    { name: "pids", resources: { pids: { limit: 100 } }, writes: ["pids.max=100"] },
    { name: "pids: -1", resources: { pids: { limit: -1 } }, writes: ["pids.max=max"] },
    { name: "pids: nothing", resources: { pids: {} }, writes: [] },
    {
      name: "hugetlb: reservations, where the kernel has them",
      resources: { hugepageLimits: [{ pageSize: "2MB", limit: 4_194_304 }] },
      writes: ["hugetlb.2MB.max=4194304", "hugetlb.2MB.rsvd.max=4194304 if there"],
    },
    {
      name: "rdma",
      resources: { rdma: { mlx5_1: { hcaHandles: 3, hcaObjects: 7 }, ocrdma1: { hcaObjects: 1 } } },
      writes: ["rdma.max=mlx5_1 hca_handle=3 hca_object=7", "rdma.max=ocrdma1 hca_object=1"],
    },
    {
      name: "io: a rate of 0 is none",
      resources: {
        blockIO: {
          weight: 100,
          throttleReadBpsDevice: [{ major: 8, minor: 0, rate: 1 }],
          throttleWriteBpsDevice: [{ major: 8, minor: 0, rate: 2 }],
          throttleReadIOPSDevice: [{ major: 8, minor: 16, rate: 3 }],
          throttleWriteIOPSDevice: [
            { major: 8, minor: 16, rate: 0 },
            { major: 8, minor: 32 },
          ],
        },
      },
      writes: [
        "io.bfq.weight=100",
        "io.max=8:0 rbps=1",
        "io.max=8:0 wbps=2",
        "io.max=8:16 riops=3",
        "io.max=8:16 wiops=max",
        "io.max=8:32 wiops=max",
      ],
    },
    { name: "io: a weight of 0 is unset", resources: { blockIO: { weight: 0 } }, writes: [] },
    {
      name: "unified: last, line by line",
      resources: { unified: { "io.max": "8:0 rbps=1\n8:16 wbps=2", "memory.high": "1G" }, pids: { limit: 1 } },
      writes: ["pids.max=1", "io.max=8:0 rbps=1", "io.max=8:16 wbps=2", "memory.high=1G"],
    },
  ];
  for (const each of cases) {
    it(each.name, () => expect(writes(each.resources)).to.deep.equal(each.writes));
  }

  it("gives weights to bfq, or on their other scale to io.cost", () => {
    const blockIO = { weight: 100, weightDevice: [{ major: 8, minor: 0, weight: 1000, leafWeight: 10 }] };
    const [all, device, ...more] = filesV2({ blockIO });
    expect(all).to.deep.include({ file: "io.bfq.weight", value: "100", fallback: { file: "io.weight", value: "910" } });
    const fallback = { file: "io.weight", value: "8:0 10000" };
    const from = "/linux/resources/blockIO/weightDevice/0";
    expect(device).to.deep.include({ file: "io.bfq.weight", value: "8:0 1000", fallback, from });
    expect(more).to.deep.equal([]);
  });

  it("names controller and property of every file", () => {
    const files = filesV2({
      memory: { limit: 100, swap: 150 },
      cpu: { quota: 1, period: 2, cpus: "0" },
      pids: { limit: 1 },
      unified: { "cgroup.max.depth": "1" },
      blockIO: { throttleReadBpsDevice: [{ major: 8, minor: 0, rate: 1 }] },
    });
    expect(files.map(({ controller, from }) => [controller, from.replace("/linux/resources/", "")])).to.deep.equal([
      ["memory", "memory/swap"],
      ["memory", "memory/limit"],
      ["cpu", "cpu/quota"],
      ["cpuset", "cpu/cpus"],
      ["pids", "pids/limit"],
      ["io", "blockIO/throttleReadBpsDevice/0"],
      ["cgroup", "unified/cgroup.max.depth"],
    ]);
  });
});
