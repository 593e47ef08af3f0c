import { release } from "node:os";
import { expect } from "chai";
import { describe, it } from "mocha";
import { waitForChild } from "./executor.ts";
import { openKernel } from "./kernel.ts";
import { findExit, openProcess } from "./pidfd.ts";
import { readStat } from "./procfs.ts";

const kernel = openKernel();
const [SIGKILL, SIGCONT] = [9, 18];
const [major = 0, minor = 0] = release().split(".").map(Number);
/** Since 6.15 the kernel keeps the status of what somebody else has reaped. */
const isKept = major > 6 || (major === 6 && minor >= 15);

/** A child that Bun does not know of, so that nobody reaps it but this test. */
function spawn(script: string): { readonly pid: number; readonly startTime: number } {
  const pid = kernel.spawn("/bin/sh", ["sh", "-c", script]);
  return { pid, startTime: readStat(kernel, pid)?.startTime ?? -1 };
}

async function becomesZombie(pid: number): Promise<void> {
  while (readStat(kernel, pid)?.state !== "Z") await new Promise((resolve) => setTimeout(resolve, 1));
}

describe("openProcess()", () => {
  it("opens the process with this start time and no other", () => {
    const { pid, startTime } = spawn("kill -STOP $$");
    using found = openProcess(kernel, pid, startTime);
    expect(found).to.not.equal(undefined);
    expect(openProcess(kernel, pid, startTime + 1)).to.equal(undefined);
    kernel.call("kill", pid, SIGKILL);
    waitForChild(kernel, pid, true);
    expect(openProcess(kernel, pid, startTime)).to.equal(undefined);
  });
});

describe("findExit()", () => {
  for (const [script, status] of [
    ["exit 7", { code: 7, signal: undefined }],
    ["exit 0", { code: 0, signal: undefined }],
    ["kill -9 $$", { code: 137, signal: 9 }],
  ] as const) {
    it(`tells of "${script}", before and after it is reaped`, async () => {
      const { pid, startTime } = spawn(`kill -STOP $$; ${script}`);
      while (readStat(kernel, pid)?.state !== "T") await new Promise((resolve) => setTimeout(resolve, 1));
      using process = openProcess(kernel, pid, startTime);
      if (process === undefined) throw new Error("it is gone");
      expect(findExit(kernel, process, pid)).to.equal(undefined);
      kernel.call("kill", pid, SIGCONT);
      await becomesZombie(pid);
      expect(findExit(kernel, process, pid)).to.deep.equal(status);
      waitForChild(kernel, pid, true);
      expect(findExit(kernel, process, pid)).to.deep.equal(isKept ? status : undefined);
    });
  }
});
