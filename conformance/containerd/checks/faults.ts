import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { waitUntil } from "../../harness/poll.ts";
import { isAlive, processesNamed, readProc } from "../../harness/workspace.ts";
import { shimSocket } from "../leftovers.ts";
import type { Check, Site } from "../site.ts";

const SLEEP = ["/bin/sleep", "1000"];
const SHELL = ["/bin/sh", "-c"];

/** The shim of a container. */
export function shimOf(site: Site, id: string): number {
  const shims = processesNamed([`\0${id}\0`]).filter((each) =>
    readFileSync(`/proc/${each}/cmdline`, "utf8").startsWith("containerd-shim-tsrun-v2"),
  );
  const [pid] = shims.length > 0 ? shims : processesNamed([`\0${id}\0`]).filter((each) => each !== site.daemon.pid);
  if (pid === undefined) throw new Error(`no shim of ${id}`);
  return pid;
}

async function restart(site: Site, meanwhile: () => Promise<void>): Promise<void> {
  await site.daemon.stop("SIGKILL");
  await meanwhile();
  await site.daemon.start();
}

/** What must hold when something is killed, and when there is much of everything. */
export const faultChecks: readonly Check[] = [
  {
    name: "containerd is killed and comes back: tasks run on",
    run: async (site) => {
      const id = await site.detach([], ...SLEEP);
      const pid = await site.pid(id);
      await restart(site, async () => undefined);
      expect([await site.status(id), await site.pid(id)]).to.deep.equal(["RUNNING", pid]);
      expect((await site.daemon.ctr("task", "exec", "--exec-id", "e1", id, "/bin/true")).status).to.equal(0);
    },
  },
  {
    name: "containerd is killed and comes back: what ended meanwhile has its status",
    run: async (site) => {
      const id = await site.detach([], ...SHELL, "trap 'exit 44' TERM; while :; do sleep 0.05; done");
      const pid = await site.pid(id);
      // The first process of a pid namespace gets no signal that it does not handle.
      await waitUntil("trap", () => /SigCgt:\s*\w+4\w{3}$/m.test(readProc(pid, "status")));
      await restart(site, async () => {
        process.kill(pid, "SIGTERM");
        await waitUntil("end of the process", () => !isAlive(pid));
      });
      if (site.major > 1) {
        // containerd 2 takes a shim without processes for a leaked one, and deletes its task.
        await site.waitForStatus(id, "");
        await site.ok("task", "start", "--detach", "--null-io", id);
        expect(await site.status(id)).to.equal("RUNNING");
        return;
      }
      await site.waitForStatus(id, "STOPPED");
      expect((await site.daemon.ctr("task", "rm", id)).stderr).to.contain("exit code 44");
    },
  },
  {
    name: "the shim is killed: nothing is left of its container",
    ownOnly: "its shim leaves the socket in /run/containerd/s",
    run: async (site) => {
      const id = await site.detach([], ...SLEEP);
      const pid = await site.pid(id);
      process.kill(shimOf(site, id), "SIGKILL");
      await waitUntil("end of the container", () => !isAlive(pid));
      await waitUntil("end of the task", async () => (await site.status(id)) === "");
      await waitUntil("removal of the socket", () => !existsSync(shimSocket(site.daemon, id)));
    },
  },
  {
    name: "the shim is killed: the container can be made again under its id",
    run: async (site) => {
      const id = await site.detach([], ...SLEEP);
      process.kill(shimOf(site, id), "SIGKILL");
      // containerd lists the task no more before it has forgotten it.
      const start = () => site.daemon.ctr("task", "start", "--detach", "--null-io", id);
      await waitUntil("start of a new task", async () => (await start()).status === 0);
      expect(await site.status(id)).to.equal("RUNNING");
    },
  },
  {
    name: "a socket that a dead shim has left is replaced",
    run: async (site) => {
      const id = site.id();
      const socket = shimSocket(site.daemon, id);
      Bun.spawnSync({ cmd: ["python3", "-c", `import socket; socket.socket(socket.AF_UNIX).bind("${socket}")`] });
      expect(existsSync(socket)).to.equal(true);
      expect((await site.run([], "/bin/echo", "here")).stdout).to.equal("here\n");
    },
  },
  {
    name: "100 containers at once",
    run: async (site) => {
      const ids = Array.from({ length: 100 }, (_, index) => site.id(`n${index}`));
      const outcomes = await Promise.all(
        ids.map((id, index) =>
          site.daemon.ctr(...site.runWords(id, ["--rm"]), ...SHELL, `echo ${index}; exit ${index}`),
        ),
      );
      expect(outcomes.map(({ status, stdout, stderr }) => [status, stdout, stderr])).to.deep.equal(
        ids.map((_, index) => [index, `${index}\n`, ""]),
      );
    },
  },
  {
    name: "the shim ends with its last task, and its FIFOs and files with it",
    run: async (site) => {
      const id = await site.detach([], ...SLEEP);
      const shim = shimOf(site, id);
      await site.daemon.ctr("task", "rm", "--force", id);
      await waitUntil("end of the shim", () => !isAlive(shim));
      expect(existsSync(join(site.daemon.bundle(id), "address"))).to.equal(false);
    },
  },
];
