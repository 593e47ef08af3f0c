import { readFileSync } from "node:fs";
import { expect } from "chai";
import { waitUntil } from "../../lib/testing/runtime-poll.ts";
import { readStatus } from "../../lib/testing/runtime-proc.ts";
import { LONG, requireRoot } from "../../lib/testing/runtime-site.ts";
import type { TestSupervisor } from "../../lib/testing/supervisor.ts";
import { SupervisorSite } from "../../lib/testing/supervisor-site.ts";
import { containerd, google } from "../../proto/gen/daemon.js";

const { CREATED, PAUSED, RUNNING, STOPPED, UNKNOWN } = containerd.v1.types.Status;
const { PauseTaskRequest, ResumeTaskRequest } = containerd.services.tasks.v1;
const { Empty } = google.protobuf;

describe("tsrund, asked for all tasks", function () {
  this.timeout(60_000);
  let site: SupervisorSite;
  let daemon: TestSupervisor;

  before(async function () {
    requireRoot(this);
    site = new SupervisorSite();
    daemon = site.daemon;
    await daemon.start();
  });

  after(() => site.close());

  const shimOf = (pid: number) => readStatus(pid)?.parent ?? 0;
  const statuses = async () => (await daemon.listTasks()).map(({ status }) => status);
  const pause = (containerId: string) =>
    daemon.call("tasks.v1.Tasks/Pause", [PauseTaskRequest, Empty], { containerId });
  const resume = (containerId: string) =>
    daemon.call("tasks.v1.Tasks/Resume", [ResumeTaskRequest, Empty], { containerId });

  it("does not ask a shim whose process is as it was", async () => {
    const { id, pid } = await site.run(LONG);
    expect(await statuses()).to.deep.equal([RUNNING]);
    const shim = shimOf(pid);
    process.kill(shim, "SIGSTOP");
    // It could not answer.
    expect(await statuses()).to.deep.equal([RUNNING]);
    process.kill(pid, "SIGKILL");
    await waitUntil("end of the process", () => /^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, "utf8")));
    expect(await statuses()).to.deep.equal([UNKNOWN]);
    process.kill(shim, "SIGCONT");
    expect((await daemon.wait(id)).exitStatus).to.equal(137);
    const [ended] = await daemon.listTasks();
    expect(ended).to.include({ id, pid, status: STOPPED, exitStatus: 137 });
    expect(Number(ended?.exitedAt?.seconds)).to.be.greaterThan(1_700_000_000);
    await site.remove(id);
  });

  it("knows at once what a call has changed", async () => {
    const id = await site.record(LONG);
    await daemon.createTask(id);
    expect(await statuses()).to.deep.equal([CREATED]);
    await daemon.startTask(id);
    for (let round = 0; round < 3; round++) {
      expect(await statuses()).to.deep.equal([RUNNING]);
      await pause(id);
      expect(await statuses()).to.deep.equal([PAUSED]);
      await resume(id);
    }
    expect(await statuses()).to.deep.equal([RUNNING]);
    await daemon.kill(id);
    await daemon.wait(id);
    expect(await statuses()).to.deep.equal([STOPPED]);
    await daemon.deleteTask(id);
    expect(await statuses()).to.deep.equal([]);
    await daemon.deleteContainer(id);
  });

  it("sees that a process has ended of which no client was told yet", async () => {
    const { id, pid } = await site.run(LONG);
    expect(await statuses()).to.deep.equal([RUNNING]);
    process.kill(pid, "SIGKILL");
    await waitUntil("end", async () => (await statuses())[0] === STOPPED);
    await site.remove(id);
  });

  it("shows a task whose shim is being replaced as what it is", async () => {
    const { id, pid } = await site.run(LONG);
    expect(await statuses()).to.deep.equal([RUNNING]);
    process.kill(shimOf(pid), "SIGKILL");
    await waitUntil("another shim", async () => {
      expect(await statuses()).to.deep.equal([RUNNING]);
      return (await daemon.task(id)).pid === pid;
    });
    await site.remove(id);
  });
});
