import { expect } from "chai";
import { FakeKernel } from "../../testing/fake-kernel.ts";
import { parseBlkio, readStatsV1 } from "./stats-v1.ts";

const FILES: Readonly<Record<string, string>> = {
  "/cpu/cpu.stat": "nr_periods 3\nnr_throttled 2\nthrottled_time 1\n",
  "/cpuacct/cpuacct.stat": "user 7\nsystem 5\n",
  "/cpuacct/cpuacct.usage": "123\n",
  "/cpuacct/cpuacct.usage_percpu": "100 23 \n",
  "/cpuacct/cpuacct.usage_all": "cpu user system\n0 40 60\n1 20 3\n",
  "/cpuset/cpuset.cpus": "0-1\n",
  "/cpuset/cpuset.mems": "0\n",
  "/cpuset/cpuset.sched_relax_domain_level": "-1\n",
  "/memory/memory.stat": "cache 9\nrss 4\n",
  "/memory/memory.limit_in_bytes": "9223372036854771712\n",
  "/memory/memory.usage_in_bytes": "11\n",
  "/memory/memory.max_usage_in_bytes": "12\n",
  "/memory/memory.failcnt": "13\n",
  "/memory/memory.memsw.usage_in_bytes": "14\n",
  "/memory/memory.kmem.usage_in_bytes": "15\n",
  "/memory/memory.kmem.tcp.usage_in_bytes": "16\n",
  "/pids/pids.current": "2\n",
  "/pids/pids.max": "max\n",
  "/hugetlb/hugetlb.2MB.usage_in_bytes": "5\n",
  "/hugetlb/hugetlb.2MB.max_usage_in_bytes": "6\n",
  "/hugetlb/hugetlb.2MB.failcnt": "7\n",
};

function read(files: Readonly<Record<string, string>>) {
  const names = ["cpu", "cpuacct", "cpuset", "memory", "pids", "blkio", "hugetlb"];
  const kernel = new FakeKernel({ files, directories: { "/hugetlb": ["hugetlb.2MB.usage_in_bytes", "tasks"] } });
  const stats = readStatsV1(kernel, new Map(names.map((name) => [name, `/${name}`])));
  expect(kernel.openFds).to.equal(0);
  return stats;
}

describe("readStatsV1()", () => {
  it("reads every controller", () => {
    const stats = read(FILES);
    expect(stats.cpu).to.deep.equal({
      total: 123n,
      kernel: 50_000_000n,
      user: 70_000_000n,
      percpu: [100n, 23n],
      percpuKernel: [60n, 3n],
      percpuUser: [40n, 20n],
      periods: 3n,
      throttledPeriods: 2n,
      throttledTime: 1n,
    });
    expect(stats.cpuset?.cpus).to.deep.equal([0, 1]);
    expect(stats.cpuset?.numbers.get("sched_relax_domain_level")).to.equal(-1n);
    expect(stats.memory).to.deep.include({
      cache: 9n,
      usage: { limit: 9_223_372_036_854_771_712n, usage: 11n, max: 12n, failcnt: 13n },
    });
    expect([stats.memory.swap, stats.memory.kernel, stats.memory.kernelTcp].map(({ usage }) => usage)).to.deep.equal([
      ...[14n, 15n, 16n],
    ]);
    expect(stats.pids).to.deep.equal({ current: 2n, limit: 0n });
    expect([...stats.hugetlb]).to.deep.equal([["2MB", { limit: 0n, usage: 5n, max: 6n, failcnt: 7n }]]);
  });

  it("has zeros for what this host does not count", () => {
    const stats = readStatsV1(new FakeKernel(), new Map());
    expect(stats.cpu).to.deep.include({ total: 0n, percpu: [] });
    expect(stats.memory.usage).to.deep.equal({ limit: 0n, usage: 0n, max: 0n, failcnt: 0n });
    expect(stats.blkio).to.deep.equal({ tables: {} });
  });

  it("takes the counters of the block layer from the first scheduler that has some", () => {
    const throttle = { "/blkio/blkio.throttle.io_serviced_recursive": "8:0 Read 3\nTotal 3\n" };
    const bfq = {
      "/blkio/blkio.bfq.io_serviced_recursive": "8:0 Read 4\n",
      "/blkio/blkio.bfq.io_service_bytes_recursive": "8:0 Read 4096\n",
    };
    expect(read(throttle).blkio.tables.ioServicedRecursive?.[0]?.value).to.equal(3n);
    expect(read({ ...throttle, ...bfq }).blkio.tables.ioServicedRecursive?.[0]?.value).to.equal(4n);
    expect(read({ ...throttle, ...bfq }).blkio.tables.ioServiceBytesRecursive?.[0]?.value).to.equal(4096n);
  });
});

describe("parseBlkio()", () => {
  it("takes lines with and without an operation, not the sum", () => {
    expect(parseBlkio("8:16 Read 5\n8:0 6\nTotal 11\n")).to.deep.equal([
      { major: 8n, minor: 16n, op: "Read", value: 5n },
      { major: 8n, minor: 0n, op: "", value: 6n },
    ]);
  });
});
