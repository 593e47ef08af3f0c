import { expect } from "chai";
import { describe, it } from "mocha";
import { FakeKernel } from "../testing/fake-kernel.ts";
import { errnoNumber } from "./constants/errno.ts";
import { openKernel } from "./kernel.ts";
import { isRunning, readStat } from "./procfs.ts";

/** proc_pid_stat(5): the first 22 fields of a real process, and some after them. */
function statLine({ pid = 42, name = "cat", state = "R", start = 396_380 }): string {
  return `${pid} (${name}) ${state} 7 1 1 0 -1 4194560 43 0 0 0 0 0 0 0 20 0 1 0 ${start} 2387968 332 18446744073709551615\n`;
}

describe("readStat()", () => {
  for (const name of ["cat", "", "a b", "a)b", ") R 1 2 3", "((", "))", ") ) Z 9", "tail)\n("]) {
    it(`reads past the name ${JSON.stringify(name)}`, () => {
      const kernel = new FakeKernel({ files: { "/proc/42/stat": statLine({ name }) } });
      expect(readStat(kernel, 42)).to.deep.equal({ pid: 42, state: "R", parent: 7, startTime: 396_380 });
      expect(kernel.openFds).to.equal(0);
    });
  }

  it("is undefined when there is no such process", () => expect(readStat(new FakeKernel(), 42)).to.equal(undefined));

  it("is undefined when the process ends while its file is read", () => {
    const kernel = new FakeKernel({
      files: { "/proc/42/stat": "" },
      answers: { read: () => -errnoNumber("ESRCH") },
    });
    expect(readStat(kernel, 42)).to.equal(undefined);
  });

  it("throws any other refusal", () => {
    const kernel = new FakeKernel({ answers: { openat: () => -errnoNumber("EACCES") } });
    expect(() => readStat(kernel, 42)).to.throw("cannot read /proc/42/stat: permission denied (EACCES)");
  });

  it("reads this very process", () => {
    const stat = readStat(openKernel(), process.pid);
    expect(stat).to.include({ pid: process.pid, parent: process.ppid });
    expect(stat?.startTime).to.be.greaterThan(0);
  });
});

describe("isRunning()", () => {
  const cases = [
    { name: "it runs", stat: {}, startTime: 396_380, running: true },
    { name: "it sleeps", stat: { state: "D" }, startTime: 396_380, running: true },
    { name: "another process has its pid", stat: { start: 396_381 }, startTime: 396_380, running: false },
    { name: "a zombie", stat: { state: "Z" }, startTime: 396_380, running: false },
    { name: "a dead one", stat: { state: "X" }, startTime: 396_380, running: false },
    { name: "a name that looks like a zombie's state", stat: { name: "x) Z (" }, startTime: 396_380, running: true },
  ];
  for (const { name, stat, startTime, running } of cases) {
    it(`${name}: ${running}`, () => {
      const kernel = new FakeKernel({ files: { "/proc/42/stat": statLine(stat) } });
      expect(isRunning(kernel, 42, startTime)).to.equal(running);
    });
  }
  it("it is gone: false", () => expect(isRunning(new FakeKernel(), 42, 0)).to.equal(false));
});
