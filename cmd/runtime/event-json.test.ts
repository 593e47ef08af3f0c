import { expect } from "chai";
import { type CgroupStats, NO_USAGE } from "../../lib/linux/cgroup/stats.ts";
import { eventLine } from "./event-json.ts";

const EMPTY: CgroupStats = {
  cpu: {
    total: 0n,
    kernel: 0n,
    user: 0n,
    percpu: [],
    percpuKernel: [],
    percpuUser: [],
    periods: 0n,
    throttledPeriods: 0n,
    throttledTime: 0n,
  },
  memory: {
    cache: 0n,
    usage: NO_USAGE,
    swap: NO_USAGE,
    kernel: NO_USAGE,
    kernelTcp: NO_USAGE,
    raw: new Map(),
  },
  pids: { current: 0n, limit: 0n },
  blkio: { tables: {} },
  hugetlb: new Map(),
};

const line = (stats: CgroupStats) => eventLine({ type: "stats", id: "web", stats });

describe("eventLine()", () => {
  it("prints an out-of-memory event as runc does", () => {
    expect(eventLine({ type: "oom", id: "web" })).to.equal('{"type":"oom","id":"web"}\n');
  });

  it("leaves out what Go leaves out", () => {
    expect(line(EMPTY)).to.equal(
      '{"type":"stats","id":"web","data":{"cpu":{"usage":{"kernel":0,"user":0},"throttling":{}},' +
        '"cpuset":{"cpu_exclusive":0,"mem_hardwall":0,"mem_exclusive":0,"memory_migrate":0,"memory_spread_page":0,' +
        '"memory_spread_slab":0,"memory_pressure":0,"sched_load_balance":0,"sched_relax_domain_level":0},' +
        '"memory":{"usage":{"limit":0,"failcnt":0},"swap":{"limit":0,"failcnt":0},"kernel":{"limit":0,"failcnt":0},' +
        '"kernelTCP":{"limit":0,"failcnt":0}},"pids":{},"blkio":{},"hugetlb":{},"intel_rdt":{},' +
        '"network_interfaces":null}}\n',
    );
  });

  it("keeps all digits, and sorts the keys of maps", () => {
    const raw = new Map([
      ["rss", 18_446_744_073_709_551_615n],
      ["cache", 1n],
    ]);
    expect(line({ ...EMPTY, memory: { ...EMPTY.memory, raw } })).to.include(
      '"raw":{"cache":1,"rss":18446744073709551615}',
    );
  });

  it("prints entries of the block layer without their zeros", () => {
    const tables = { ioServicedRecursive: [{ major: 8n, minor: 0n, op: "Read", value: 0n }] };
    expect(line({ ...EMPTY, blkio: { tables } })).to.include(
      '"blkio":{"ioServicedRecursive":[{"major":8,"op":"Read"}]}',
    );
  });

  it("prints pressure where there is some", () => {
    const none = { avg10: 0, avg60: 0, avg300: 0, total: 0n };
    const pressure = { some: { ...none, avg10: 1.5, total: 7n }, full: none };
    expect(line({ ...EMPTY, cpu: { ...EMPTY.cpu, pressure } })).to.include(
      '"psi":{"some":{"avg10":1.5,"avg60":0,"avg300":0,"total":7},"full":{',
    );
  });
});
