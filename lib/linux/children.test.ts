import { expect } from "chai";
import { Children } from "./children.ts";
import { openKernel } from "./kernel.ts";
import { spawned } from "./spawned.ts";

const kernel = openKernel();
const run = (line: string) => kernel.spawn("/bin/sh", ["sh", "-c", line]);

describe("Children", () => {
  let children: Children;
  const check = () => children.check();

  before(() => {
    children = new Children(kernel);
    process.on("SIGCHLD", check);
  });

  after(() => {
    process.removeListener("SIGCHLD", check);
  });

  it("gives statuses and signals", async () => {
    const pids = ["exit 7", "kill -9 $$", "exit 0"].map(run);
    const codes = (await Promise.all(pids.map((pid) => children.exited(pid)))).map(({ code }) => code);
    expect(codes).to.deep.equal([7, 137, 0]);
  });

  it("gives the same status to all who wait, and to who reaps", async () => {
    const pid = run("exec sleep 1000");
    const waiting = [children.exited(pid), children.exited(pid)];
    kernel.call("kill", pid, 9);
    expect((await Promise.all(waiting)).map(({ code }) => code)).to.deep.equal([137, 137]);
  });

  it("says nothing of one that runs", async () => {
    const pid = run("exec sleep 1000");
    expect(children.reap(pid)).to.equal(undefined);
    kernel.call("kill", pid, 9);
    expect((await children.exited(pid)).code).to.equal(137);
  });

  it("leaves children of Bun to Bun", async () => {
    const statuses = await Promise.all(
      Array.from({ length: 20 }, (_, index) => spawned(Bun.spawn(["sh", "-c", `exit ${index}`])).exited),
    );
    expect(statuses).to.deep.equal(Array.from({ length: 20 }, (_, index) => index));
  });

  it("reaps what nobody waits for, and keeps its status for who asks late", async () => {
    const pid = run("exit 9");
    await new Promise((resolve) => setTimeout(resolve, 400));
    expect(kernel.call("wait4", pid, 0, 1, 0)).to.equal(-10);
    expect((await children.exited(pid)).code).to.equal(9);
  });

  it("leaves a child of Bun to Bun that has just ended when orphans are looked for", async () => {
    // Two timers that are due at once: in the first a child ends, and the second is the time for orphans.
    const deaf = new Children(kernel);
    const first = Promise.withResolvers<Bun.Subprocess>();
    setTimeout(() => {
      first.resolve(spawned(Bun.spawn(["sh", "-c", "exit 5"])));
      Bun.sleepSync(100);
    }, 1);
    deaf.check();
    Bun.sleepSync(300);
    expect(await (await first.promise).exited).to.equal(5);
  });
});
