import { expect } from "chai";
import { after, before, describe, it } from "mocha";
import { ContainerError } from "../errors.ts";
import { FakeKernel } from "../testing/fake-kernel.ts";
import { errnoNumber } from "./constants/errno.ts";
import { openKernel } from "./kernel.ts";
import { readStat } from "./procfs.ts";
import { sendSignal, signalProcess } from "./signal.ts";

const kernel = openKernel();
const SIGKILL = 9;
/** No process has it: the kernel's limit is 2^22. */
const NO_PID = 2 ** 22 + 1;

describe("signalProcess()", () => {
  let child: Bun.Subprocess;
  let startTime = 0;
  before(() => {
    child = Bun.spawn({ cmd: ["sleep", "60"], stdout: "ignore", stdin: "ignore", stderr: "ignore" });
    startTime = readStat(kernel, child.pid)?.startTime ?? 0;
  });
  after(async () => {
    child.kill(SIGKILL);
    await child.exited;
  });

  it("leaves a process with another start time alone", () => {
    expect(signalProcess(kernel, child.pid, startTime - 1, SIGKILL)).to.equal(false);
    expect(signalProcess(kernel, child.pid, startTime, 0)).to.equal(true);
    expect(readStat(kernel, child.pid)?.state).to.match(/^[RS]$/);
  });

  it("reaches the process that has it", async () => {
    expect(signalProcess(kernel, child.pid, startTime, SIGKILL)).to.equal(true);
    await child.exited;
    expect(child.signalCode).to.equal("SIGKILL");
    expect(signalProcess(kernel, child.pid, startTime, 0)).to.equal(false);
  });

  it("is false for a pid that nobody has", () => {
    expect(signalProcess(kernel, NO_PID, 1, 0)).to.equal(false);
  });

  it("says which signal there is not", () => {
    const own = readStat(kernel, process.pid)?.startTime ?? 0;
    expect(() => signalProcess(kernel, process.pid, own, 99))
      .to.throw(ContainerError, `cannot send signal 99 to process ${process.pid}: invalid argument (EINVAL)`)
      .with.property("code", "invalid_argument");
  });

  it("closes its descriptor, whatever comes", () => {
    const closed: number[] = [];
    const dead = new FakeKernel({
      answers: { pidfd_open: () => 7, openat: () => -errnoNumber("ENOENT"), close: (fd) => closed.push(Number(fd)) },
    });
    expect(signalProcess(dead, 42, 1, SIGKILL)).to.equal(false);
    expect(closed).to.deep.equal([7]);
    expect(dead.calls.filter(({ name }) => name === "pidfd_send_signal")).to.deep.equal([]);
  });
});

describe("sendSignal()", () => {
  for (const [errno, code] of [
    ["EPERM", "permission_denied"],
    ["EINVAL", "invalid_argument"],
  ] as const) {
    it(`${errno} is ${code}`, () => {
      const refusing = new FakeKernel({ answers: { kill: () => -errnoNumber(errno) } });
      const refused = expect(() => sendSignal(refusing, 42, 15)).to.throw(ContainerError, "signal 15 to process 42");
      refused.with.property("code", code);
    });
  }
  it("is true when it was sent, and false when there is no such process", () => {
    expect(sendSignal(kernel, process.pid, 0)).to.equal(true);
    expect(sendSignal(kernel, NO_PID, 0)).to.equal(false);
  });
});
