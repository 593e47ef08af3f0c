import { readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { failureOf } from "../../lib/testing/failure.ts";
import { waitUntil } from "../../lib/testing/runtime-poll.ts";
import { isAlive } from "../../lib/testing/runtime-proc.ts";
import { LONG, requireRoot } from "../../lib/testing/runtime-site.ts";
import type { TestSupervisor } from "../../lib/testing/supervisor.ts";
import { SupervisorSite } from "../../lib/testing/supervisor-site.ts";
import { containerd } from "../../proto/gen/daemon.js";

const { RUNNING, STOPPED, CREATED } = containerd.v1.types.Status;
const events = containerd.services.events.v1;

describe("tsrund, when a shim is killed", function () {
  // A container ends when all its processes are reaped, and who is not its shim's child is reaped by the machine's init.
  this.timeout(90_000);
  let site: SupervisorSite;
  let daemon: TestSupervisor;

  before(async function () {
    requireRoot(this);
    site = new SupervisorSite();
    daemon = site.daemon;
    await daemon.start();
  });

  after(() => site.close());

  /** The pid of the shim of a task that is there or is being made; 0 when there is none. */
  const findShim = (id: string): number => {
    const pids = readdirSync("/proc").map(Number).filter(Number.isInteger);
    return (
      pids.find((pid) => readWords(pid).join(" ").includes(`-id ${id} `) && readWords(pid).includes("-socket")) ?? 0
    );
  };

  /** The topics of the events of the end of a container, as they come. */
  const follow = async (id: string) => {
    const seen: string[] = [];
    const filters = [`event.container_id==${id}`];
    const stream = daemon.stream("events.v1.Events/Subscribe", [events.SubscribeRequest, containerd.types.Envelope], {
      filters,
    });
    stream.on("error", () => undefined);
    stream.on("data", ({ topic }: containerd.types.Envelope) => {
      // What was before may be on its way still.
      if (topic === "/tasks/exit" || topic === "/tasks/delete") seen.push(topic);
    });
    await daemon.listTasks();
    return { seen, stop: () => stream.cancel() };
  };

  it("gives the task to another one: whoever waits for its end is told it", async () => {
    const { id, pid } = await site.run(["sh", "-c", "trap 'exit 7' TERM; while :; do sleep 0.02; done"]);
    const { seen, stop } = await follow(id);
    const waiting = daemon.wait(id);
    process.kill(findShim(id), "SIGKILL");
    expect(await daemon.task(id)).to.include({ status: RUNNING, pid });
    process.kill(pid, "SIGTERM");
    expect((await waiting).exitStatus).to.equal(7);
    expect(await daemon.task(id)).to.include({ status: STOPPED, pid, exitStatus: 7 });
    await site.remove(id);
    await waitUntil("last event", () => seen.includes("/tasks/delete"));
    stop();
    expect(seen).to.deep.equal(["/tasks/exit", "/tasks/delete"]);
    expect(site.bundles()).to.deep.equal([]);
  });

  it("knows how a task has ended that was killed together with its shim", async () => {
    const { id, pid } = await site.run(LONG);
    const shim = findShim(id);
    process.kill(shim, "SIGSTOP");
    process.kill(pid, "SIGKILL");
    process.kill(shim, "SIGKILL");
    expect((await daemon.wait(id)).exitStatus).to.equal(137);
    expect(await daemon.task(id)).to.include({ status: STOPPED, pid, exitStatus: 137 });
    await site.remove(id);
  });

  it("finds its task though no daemon was there to see it", async () => {
    const { id, pid } = await site.run(LONG);
    const shim = findShim(id);
    await daemon.stop("SIGKILL");
    process.kill(shim, "SIGKILL");
    await daemon.start();
    expect(await daemon.task(id)).to.include({ status: RUNNING, pid });
    await site.remove(id);
    expect(site.bundles()).to.deep.equal([]);
  });

  it("removes a task that no other shim can take over, and tells its end", async () => {
    const { id, pid } = await site.run(LONG);
    const { seen, stop } = await follow(id);
    rmSync(join(daemon.folder, "state/io.containerd.runtime.v2.task/test", id, "task.json"));
    process.kill(findShim(id), "SIGKILL");
    await waitUntil("last event", () => seen.includes("/tasks/delete"));
    stop();
    expect(seen).to.deep.equal(["/tasks/exit", "/tasks/delete"]);
    await waitUntil("end of the process", () => !isAlive(pid));
    expect(await daemon.listTasks()).to.deep.equal([]);
    await daemon.deleteContainer(id);
  });

  it("leaves nothing of a task that was being made", async () => {
    for (let delayMs = 0; delayMs < 40; delayMs += 5) {
      const id = await site.record(LONG);
      const creating = failureOf(daemon.createTask(id)).catch(() => undefined);
      await waitUntil("shim", () => findShim(id) > 0);
      await Bun.sleep(delayMs);
      process.kill(findShim(id), "SIGKILL");
      await creating;
      const found = await daemon.listTasks();
      expect(found.map((task) => [task.id, task.status])).to.deep.equal(found.length === 0 ? [] : [[id, CREATED]]);
      if (found.length === 0) await daemon.createTask(id);
      await site.remove(id);
      expect(site.bundles(), `after ${delayMs} ms`).to.deep.equal([]);
    }
  });
});

/** The command line of a process; none of one that is gone. */
function readWords(pid: number): readonly string[] {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0");
  } catch {
    return [];
  }
}
