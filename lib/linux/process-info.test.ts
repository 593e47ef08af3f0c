import { expect } from "chai";
import { FakeKernel } from "../testing/fake-kernel.ts";
import { parseProcessInfo, readMachineInfo, readNames, readProcessInfo } from "./process-info.ts";

const STAT =
  "311 (a) R (b) S 17 311 16 34816 42 4194304 100 0 0 0 7 5 0 0 20 -3 2 0 626363 3133440 379 18446744073709551615 0 0";
const STATUS =
  "Name:\ta) R (b\nUid:\t1\t2\t3\t4\nGid:\t5\t6\t7\t8\nVmSize:\t    3060 kB\nVmLck:\t       4 kB\nVmRSS:\t    1516 kB\n";

describe("parseProcessInfo()", () => {
  it("takes the fields by their numbers, whatever the name contains", () => {
    expect(parseProcessInfo(STAT, STATUS, "sh\0-c\0\0")).to.deep.equal({
      pid: 311,
      comm: "a) R (b",
      state: "S",
      parent: 17,
      group: 311,
      session: 16,
      terminal: 34_816,
      foreground: 42,
      cpuTicks: 12,
      nice: -3,
      threads: 2,
      startTicks: 626_363,
      uid: 2,
      gid: 6,
      virtualKb: 3060,
      residentKb: 1516,
      lockedKb: 4,
      args: ["sh", "-c"],
    });
  });

  it("gives a process without memory of its own zeros and no arguments", () => {
    const info = parseProcessInfo(STAT, "Uid:\t0\t0\t0\t0\nGid:\t0\t0\t0\t0\n", "");
    expect(info).to.deep.include({ virtualKb: 0, residentKb: 0, lockedKb: 0, args: [] });
  });
});

describe("readProcessInfo()", () => {
  it("finds nothing of a process that ends while it is looked at", () => {
    const kernel = new FakeKernel({ files: { "/proc/311/stat": STAT, "/proc/311/status": STATUS } });
    expect(readProcessInfo(kernel, 311)).to.equal(undefined);
    expect(kernel.openFds).to.equal(0);
  });
});

describe("readMachineInfo()", () => {
  it("counts the digits of the largest pid", () => {
    const files = {
      "/proc/meminfo": "MemTotal:        2048 kB\nMemFree: 1 kB\n",
      "/proc/uptime": "6263.63 1.00\n",
      "/proc/sys/kernel/pid_max": "4194304\n",
    };
    expect(readMachineInfo(new FakeKernel({ files }), 5)).to.deep.equal({
      nowMs: 5,
      uptimeSeconds: 6263.63,
      memoryKb: 2048,
      pidDigits: 7,
    });
  });
});

describe("readNames()", () => {
  it("takes the first name of a number, and none where there is no file", () => {
    const kernel = new FakeKernel({
      files: { "/etc/passwd": "root:x:0:0:::\ntoor:x:0:0:::\n\nbad\nweb:x:33:33:::\n" },
    });
    expect([...readNames(kernel, "/etc/passwd")]).to.deep.equal([
      [0, "root"],
      [33, "web"],
    ]);
    expect(readNames(kernel, "/etc/group").size).to.equal(0);
  });
});
