import { existsSync, readFileSync } from "node:fs";
import { expect } from "chai";
import { waitUntil } from "../../harness/poll.ts";
import { isAlive } from "../../harness/workspace.ts";
import { IMAGE } from "../image.ts";
import type { Check } from "../site.ts";

const SLEEP = ["/bin/sleep", "1000"];
const SHELL = ["/bin/sh", "-c"];

/** ctr task: what can be asked of a task, and done to it. */
export const taskChecks: readonly Check[] = [
  {
    name: "created, running, stopped",
    run: async (site) => {
      const id = site.id();
      await site.ok("container", "create", "--runtime", site.runtime, IMAGE, id, ...SLEEP);
      await site.ok("task", "start", "--detach", "--null-io", id);
      expect(await site.status(id)).to.equal("RUNNING");
      await site.ok("task", "kill", "--signal", "KILL", id);
      await site.waitForStatus(id, "STOPPED");
    },
  },
  {
    name: "a task can be started again when it was removed",
    run: async (site) => {
      const id = site.id();
      await site.ok("container", "create", "--runtime", site.runtime, IMAGE, id, "/bin/false");
      for (let round = 0; round < 2; round++) {
        const { status } = await site.daemon.ctr("task", "start", "--null-io", id);
        expect(status).to.equal(1);
      }
    },
  },
  {
    name: "kill: TERM is the program's to handle",
    run: async (site) => {
      const id = site.id();
      const client = site.attached(id, [], ...SHELL, "trap 'exit 9' TERM; echo ready; while :; do sleep 0.1; done");
      await waitUntil("trap", () => client.output().includes("ready"));
      await site.ok("task", "kill", "--signal", "TERM", id);
      expect((await client.outcome).status).to.equal(9);
    },
  },
  {
    name: "kill: 128 + the signal",
    run: async (site) => {
      const id = await site.detach([], ...SLEEP);
      await site.ok("task", "kill", "--signal", "KILL", id);
      await site.events.waitFor(id, "/tasks/exit");
      expect((await site.daemon.ctr("task", "rm", id)).stderr).to.contain("exit code 137");
    },
  },
  {
    name: "kill of a task that has ended: process already finished",
    run: async (site) => {
      const id = await site.detach([], "/bin/true");
      await site.waitForStatus(id, "STOPPED");
      const { status, stderr } = await site.daemon.ctr("task", "kill", id);
      expect(status).to.not.equal(0);
      // ctr 2 shows the shim's words without the class of the error.
      expect(stderr).to.contain(`process already finished${site.major === 1 ? ": not found" : ""}`);
    },
  },
  {
    name: "kill with a signal that does not exist",
    run: async (site) => {
      const id = await site.detach([], ...SLEEP);
      const { status, stderr } = await site.daemon.ctr("task", "kill", "--signal", "99", id);
      expect(status).to.not.equal(0);
      expect(stderr).to.contain("invalid argument");
      expect(await site.status(id)).to.equal("RUNNING");
    },
  },
  {
    name: "kill --all reaches every process",
    run: async (site) => {
      const id = await site.detach([], ...SHELL, "sleep 1000 & sleep 1000 & wait");
      await waitUntil("three processes", async () => (await site.ok("task", "ps", id)).trim().split("\n").length === 4);
      await site.ok("task", "kill", "--all", "--signal", "KILL", id);
      await site.waitForStatus(id, "STOPPED");
    },
  },
  {
    name: "rm of a running task is refused",
    run: async (site) => {
      const id = await site.detach([], ...SLEEP);
      const { status, stderr } = await site.daemon.ctr("task", "rm", id);
      expect(status).to.not.equal(0);
      expect(stderr).to.contain("running");
      expect(await site.status(id)).to.equal("RUNNING");
    },
  },
  {
    name: "rm --force kills",
    run: async (site) => {
      const id = await site.detach([], ...SLEEP);
      const pid = await site.pid(id);
      await site.daemon.ctr("task", "rm", "--force", id);
      expect(await site.status(id)).to.equal("");
      expect(isAlive(pid)).to.equal(false);
    },
  },
  {
    name: "ps lists the processes",
    run: async (site) => {
      const id = await site.detach([], ...SHELL, "sleep 1000 & wait");
      await waitUntil("two processes", async () => (await site.ok("task", "ps", id)).trim().split("\n").length === 3);
      expect(await site.ok("task", "ps", id)).to.contain(String(await site.pid(id)));
    },
  },
  {
    name: "ps names execs",
    run: async (site) => {
      const id = await site.detach([], ...SLEEP);
      const exec = site.daemon.spawn("task", "exec", "--exec-id", "second", id, ...SLEEP);
      await waitUntil("exec", async () => (await site.ok("task", "ps", id)).includes("second"));
      await site.ok("task", "kill", "--signal", "KILL", "--exec-id", "second", id);
      expect((await exec.outcome).status).to.equal(137);
    },
  },
  {
    name: "metrics has memory, processor and processes",
    run: async (site) => {
      const id = await site.detach([], ...SLEEP);
      const text = await site.ok("task", "metrics", id);
      const value = (name: RegExp) => Number(new RegExp(`(?:${name.source})\\s+(\\d+)`).exec(text)?.[1]);
      expect(value(/memory\.usage_in_bytes|memory\.usage/)).to.be.greaterThan(10_000);
      expect(value(/cpuacct\.usage|cpu\.usage_usec/)).to.be.greaterThan(0);
      expect(value(/pids\.current/)).to.equal(1);
    },
  },
  {
    name: "pause and resume",
    run: async (site) => {
      const id = await site.detach([], ...SLEEP);
      await site.ok("task", "pause", id);
      expect(await site.status(id)).to.equal("PAUSED");
      const state = readFileSync(`/proc/${await site.pid(id)}/wchan`, "utf8");
      expect(state).to.be.a("string");
      await site.ok("task", "resume", id);
      expect(await site.status(id)).to.equal("RUNNING");
    },
  },
  {
    name: "pause of a task that has ended is refused",
    run: async (site) => {
      const id = await site.detach([], "/bin/true");
      await site.waitForStatus(id, "STOPPED");
      expect((await site.daemon.ctr("task", "pause", id)).status).to.not.equal(0);
    },
  },
  {
    name: "a paused task can be killed",
    run: async (site) => {
      const id = await site.detach([], ...SLEEP);
      await site.ok("task", "pause", id);
      await site.ok("task", "kill", "--signal", "KILL", id);
      await site.ok("task", "resume", id).catch(() => "");
      await site.waitForStatus(id, "STOPPED");
    },
  },
  {
    name: "attach gives the output from then on, and the status",
    run: async (site) => {
      const id = site.id();
      await site.ok(...site.runWords(id, ["--detach"]), ...SHELL, "sleep 2; echo late; exit 4");
      const { status, stdout } = await site.daemon.ctr("task", "attach", id);
      expect({ status, stdout }).to.deep.equal({ status: 4, stdout: "late\n" });
    },
  },
  {
    name: "the orphans of a container are no zombies",
    run: async (site) => {
      const id = await site.detach([], ...SHELL, "(sleep 0.1 &) ; (sleep 0.1 &) ; exec sleep 1000");
      await waitUntil("one process", async () => (await site.ok("task", "ps", id)).trim().split("\n").length >= 2);
      expect(await site.status(id)).to.equal("RUNNING");
    },
  },
  {
    name: "a second task for one container is refused",
    run: async (site) => {
      const id = await site.detach([], ...SLEEP);
      const { status, stderr } = await site.daemon.ctr("task", "start", "--detach", "--null-io", id);
      expect(status).to.not.equal(0);
      expect(stderr).to.contain("already exists");
    },
  },
  {
    name: "when the task is removed, its rootfs is unmounted and its bundle gone",
    run: async (site) => {
      const id = await site.detach([], ...SLEEP);
      const bundle = site.daemon.bundle(id);
      expect(readFileSync("/proc/self/mountinfo", "utf8")).to.contain(`${bundle}/rootfs`);
      await site.daemon.ctr("task", "rm", "--force", id);
      await waitUntil("removal of the bundle", () => !existsSync(bundle));
      expect(readFileSync("/proc/self/mountinfo", "utf8")).to.not.contain(bundle);
    },
  },
];
