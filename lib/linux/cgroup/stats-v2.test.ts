import { expect } from "chai";
import { FakeKernel } from "../../testing/fake-kernel.ts";
import { parseIoStat, readStatsV2 } from "./stats-v2.ts";

const UNLIMITED = 2n ** 64n - 1n;

const FILES: Readonly<Record<string, string>> = {
  "/c/cpu.stat": "usage_usec 30\nuser_usec 20\nsystem_usec 10\nnr_periods 3\nnr_throttled 2\nthrottled_usec 1\n",
  "/c/cpu.pressure": "some avg10=1.50 avg60=0.00 avg300=0.00 total=7\n",
  "/c/memory.stat": "anon 4\nfile 9\n",
  "/c/memory.max": "1000\n",
  "/c/memory.current": "100\n",
  "/c/memory.peak": "200\n",
  "/c/memory.events": "low 0\nhigh 0\nmax 5\noom 0\noom_kill 0\n",
  "/c/memory.swap.max": "500\n",
  "/c/memory.swap.current": "50\n",
  "/c/pids.current": "2\n",
  "/c/pids.max": "64\n",
  "/c/io.stat": "8:0 rbytes=4096 wbytes=0 rios=1 wios=0 dbytes=0 dios=0\n",
  "/c/hugetlb.2MB.current": "5\n",
  "/c/hugetlb.2MB.events": "max 6\n",
};

function read(files: Readonly<Record<string, string>>) {
  const kernel = new FakeKernel({ files, directories: { "/c": ["hugetlb.2MB.current", "hugetlb.2MB.rsvd.current"] } });
  const stats = readStatsV2(kernel, "/c");
  expect(kernel.openFds).to.equal(0);
  return stats;
}

describe("readStatsV2()", () => {
  it("turns microseconds into nanoseconds", () => {
    expect(read(FILES).cpu).to.deep.include({ total: 30_000n, user: 20_000n, kernel: 10_000n, throttledTime: 1000n });
  });

  it("adds memory to swap, as v1 counts it", () => {
    const { memory } = read(FILES);
    expect(memory.usage).to.deep.equal({ limit: 1000n, usage: 100n, max: 200n, failcnt: 5n });
    expect(memory.swap).to.deep.equal({ limit: 1500n, usage: 150n, max: 0n, failcnt: 0n });
    expect(memory.cache).to.equal(9n);
  });

  it("has runc's number for no limit", () => {
    const { memory } = read({ ...FILES, "/c/memory.max": "max\n", "/c/memory.swap.max": "max\n" });
    expect([memory.usage.limit, memory.swap.limit]).to.deep.equal([UNLIMITED, UNLIMITED]);
  });

  it("reads pids, pages and pressure, and leaves out pressure where PSI is off", () => {
    const stats = read(FILES);
    expect(stats.pids).to.deep.equal({ current: 2n, limit: 64n });
    expect([...stats.hugetlb]).to.deep.equal([["2MB", { limit: 0n, usage: 5n, max: 0n, failcnt: 6n }]]);
    expect(stats.cpu.pressure?.some.avg10).to.equal(1.5);
    expect(stats.memory).not.to.have.property("pressure");
  });
});

describe("parseIoStat()", () => {
  it("has no table for what v1 did not count", () => {
    expect(parseIoStat(FILES["/c/io.stat"] ?? "")).to.deep.equal({
      ioServiceBytesRecursive: [
        { major: 8n, minor: 0n, op: "Read", value: 4096n },
        { major: 8n, minor: 0n, op: "Write", value: 0n },
      ],
      ioServicedRecursive: [
        { major: 8n, minor: 0n, op: "Read", value: 1n },
        { major: 8n, minor: 0n, op: "Write", value: 0n },
      ],
    });
  });
});
