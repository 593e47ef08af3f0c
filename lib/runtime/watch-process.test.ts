import { readlinkSync } from "node:fs";
import { expect } from "chai";
import { afterEach, describe, it } from "mocha";
import { waitForChild } from "../linux/executor.ts";
import { openKernel } from "../linux/kernel.ts";
import { openProcess } from "../linux/pidfd.ts";
import { readStat } from "../linux/procfs.ts";
import { waitUntil } from "../testing/runtime-poll.ts";
import { type Watcher, watchProcess } from "./watch-process.ts";

const kernel = openKernel();
const SIGKILL = 9;

describe("watchProcess()", () => {
  let watcher: Watcher | undefined;
  afterEach(() => watcher?.stop());

  /** A watcher of a child that has stopped itself, when it is in its wait. */
  function watch(): number {
    const pid = kernel.spawn("/bin/sh", ["sh", "-c", "kill -STOP $$"]);
    using process = openProcess(kernel, pid, readStat(kernel, pid)?.startTime ?? -1);
    if (process === undefined) throw new Error("it is gone");
    watcher = watchProcess(kernel, process);
    return pid;
  }

  it("ends when the process ends", async () => {
    const pid = watch();
    const own = watcher?.pid ?? 0;
    await waitUntil("the wait", () => readStat(kernel, own)?.state === "S");
    expect(readlinkSync(`/proc/${own}/exe`)).to.match(/^\/memfd:tsrun-init/);
    expect(waitForChild(kernel, own, false)).to.equal(undefined);
    kernel.call("kill", pid, SIGKILL);
    expect(waitForChild(kernel, own, true)).to.deep.equal({ code: 0, signal: undefined });
    waitForChild(kernel, pid, true);
  });

  it("ends when nobody wants to know any more", () => {
    const pid = watch();
    watcher?.stop();
    expect(waitForChild(kernel, watcher?.pid ?? 0, true)).to.deep.equal({ code: 0, signal: undefined });
    expect(readStat(kernel, pid)?.state).to.not.equal("Z");
    kernel.call("kill", pid, SIGKILL);
    waitForChild(kernel, pid, true);
  });
});
