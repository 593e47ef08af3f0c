import { expect } from "chai";
import { Children } from "./children.ts";
import { openKernel } from "./kernel.ts";

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
      Array.from({ length: 20 }, (_, index) => Bun.spawn(["sh", "-c", `exit ${index}`]).exited),
    );
    expect(statuses).to.deep.equal(Array.from({ length: 20 }, (_, index) => index));
  });

  it("reaps what nobody waits for, and keeps its status for who asks late", async () => {
    const pid = run("exit 9");
    await new Promise((resolve) => setTimeout(resolve, 400));
    expect(kernel.call("wait4", pid, 0, 1, 0)).to.equal(-10);
    expect((await children.exited(pid)).code).to.equal(9);
  });
});
