import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { waitUntil } from "../../lib/testing/runtime-poll.ts";
import { isAlive } from "../../lib/testing/runtime-proc.ts";
import { LONG, requireRoot, Site } from "../../lib/testing/runtime-site.ts";
import { TestSupervisor } from "../../lib/testing/supervisor.ts";
import { containerd } from "../../proto/gen/daemon.js";

const containers = containerd.services.containers.v1;
const { RUNNING, STOPPED } = containerd.v1.types.Status;
const WAIT_MS = 60_000;
const PREFIX = "containerd.io/restart.";

describe("the restart monitor of tsrund", function () {
  this.timeout(2 * WAIT_MS);
  let site: Site;
  let daemon: TestSupervisor;
  let serial = 0;

  before(async function () {
    requireRoot(this);
    site = new Site();
    const config = join(site.folder, "config.toml");
    writeFileSync(config, "[restart]\ninterval_ms = 50\n");
    daemon = new TestSupervisor(join(site.folder, "daemon"), config);
    await daemon.start();
  });

  after(async () => {
    await daemon.stop();
    await site.close();
  });

  const record = async (args: readonly string[], labels: Readonly<Record<string, string>>, terminal = false) => {
    serial += 1;
    const id = `${site.tag}-r${serial}`;
    const bundle = site.bundle(args);
    const config = JSON.parse(readFileSync(join(bundle, "config.json"), "utf8"));
    const spec = { ...config, root: { ...config.root, path: join(bundle, "rootfs") } };
    const entries = Object.entries(labels).map(([name, value]) => [`${PREFIX}${name}`, value]);
    spec.process.terminal = terminal;
    await daemon.createContainer(id, spec, Object.fromEntries(entries));
    return id;
  };

  const labelsOf = async (id: string) => {
    const messages = [containers.GetContainerRequest, containers.GetContainerResponse] as const;
    const { container } = await daemon.call("containers.v1.Containers/Get", messages, { id });
    return container?.labels ?? {};
  };

  const setLabel = async (id: string, name: string, value: string) => {
    const messages = [containers.UpdateContainerRequest, containers.UpdateContainerResponse] as const;
    await daemon.call("containers.v1.Containers/Update", messages, {
      container: { id, labels: { [`${PREFIX}${name}`]: value } },
      updateMask: { paths: [`labels.${PREFIX}${name}`] },
    });
  };

  const find = (id: string) => daemon.task(id).catch(() => undefined);
  const run = async (id: string) => {
    await daemon.createTask(id);
    return (await daemon.startTask(id)).pid;
  };
  const waitForRun = async (id: string, notPid = 0) => {
    const seen: { pid: number } = { pid: 0 };
    await waitUntil(
      `run of ${id}`,
      async () => {
        const task = await find(id);
        seen.pid = task?.pid ?? 0;
        return task?.status === RUNNING && seen.pid !== notPid;
      },
      WAIT_MS,
    );
    return seen.pid;
  };
  const remove = async (id: string) => {
    await setLabel(id, "status", "stopped");
    await waitUntil(
      `end of ${id}`,
      async () => {
        const task = await find(id);
        return task === undefined || task.status === STOPPED;
      },
      WAIT_MS,
    );
    await daemon.deleteTask(id).catch(() => undefined);
    await daemon.deleteContainer(id);
  };

  it("starts a task again that was killed, and counts", async () => {
    const id = await record(LONG, { status: "running" });
    const first = await waitForRun(id);
    expect((await labelsOf(id))[`${PREFIX}count`]).to.equal("1");
    process.kill(first, "SIGKILL");
    const second = await waitForRun(id, first);
    expect((await labelsOf(id))[`${PREFIX}count`]).to.equal("2");
    process.kill(second, "SIGKILL");
    await waitForRun(id, second);
    expect((await labelsOf(id))[`${PREFIX}count`]).to.equal("3");
    await remove(id);
  });

  it("starts a container that has no task, and stops one that is not to run", async () => {
    const id = await record(LONG, { status: "running", policy: "unless-stopped" });
    const pid = await waitForRun(id);
    await setLabel(id, "status", "stopped");
    await waitUntil("removal of the task", async () => (await find(id)) === undefined, WAIT_MS);
    await waitUntil("end of the process", () => !isAlive(pid), WAIT_MS);
    await daemon.deleteContainer(id);
  });

  it("starts after failures so often and no more; its prints go where the label says", async () => {
    const file = join(site.folder, "printed");
    const labels = { status: "running", policy: "on-failure:2", loguri: `file://${file}` };
    const id = await record(["sh", "-c", "echo once; exit 3"], labels);
    await run(id);
    const printed = () => (existsSync(file) ? readFileSync(file, "utf8") : "");
    await waitUntil("second restart", () => printed() === "once\nonce\n", WAIT_MS);
    expect((await labelsOf(id))[`${PREFIX}count`]).to.equal("2");
    expect(await daemon.wait(id)).to.include({ exitStatus: 3 });
    // Another container's restart shows that it was looked meanwhile, and that this one was left alone.
    const other = await record(LONG, { status: "running" });
    await waitForRun(other);
    expect(printed()).to.equal("once\nonce\n");
    await remove(other);
    await remove(id);
  });

  it("leaves alone what was stopped, what succeeded, and what has no label", async () => {
    const ids = [
      await record(["true"], { status: "running", policy: "unless-stopped", "explicitly-stopped": "true" }),
      await record(["true"], { status: "running", policy: "on-failure" }),
      await record(["true"], { status: "running", policy: "no" }),
      await record(["true"], { status: "running", policy: "sometimes" }),
      await record(["true"], {}),
    ];
    for (const id of ids) await run(id);
    for (const id of ids) await daemon.wait(id);
    const other = await record(LONG, { status: "running" });
    const first = await waitForRun(other);
    process.kill(first, "SIGKILL");
    await waitForRun(other, first);
    await remove(other);
    for (const id of ids) {
      expect(await daemon.task(id)).to.include({ status: STOPPED });
      expect((await labelsOf(id))[`${PREFIX}count`], id).to.equal(undefined);
      await daemon.deleteTask(id);
      await daemon.deleteContainer(id);
    }
    expect(daemon.log()).to.contain("invalid label containerd.io/restart.policy=sometimes: must be always");
  });

  it("goes on after SIGKILL of the daemon, and starts what ended meanwhile", async () => {
    const [kept, ended] = [await record(LONG, { status: "running" }), await record(LONG, { status: "running" })];
    const [keptPid, endedPid] = [await waitForRun(kept), await waitForRun(ended)];
    await daemon.stop("SIGKILL");
    process.kill(endedPid, "SIGKILL");
    await waitUntil("end of the process", () => !isAlive(endedPid));
    await daemon.start();
    await waitForRun(ended, endedPid);
    expect(await daemon.task(kept)).to.include({ status: RUNNING, pid: keptPid });
    await remove(kept);
    await remove(ended);
  });

  it("starts a container with a terminal that nobody looks at", async () => {
    const id = await record(LONG, { status: "running" }, true);
    await waitForRun(id);
    await remove(id);
  });

  it("leaves no task behind that cannot be started, and tries again", async () => {
    const id = await record(["/none/such"], { status: "running" });
    await waitUntil("second attempt", async () => Number((await labelsOf(id))[`${PREFIX}count`]) >= 2, WAIT_MS);
    expect(await find(id)).to.equal(undefined);
    await remove(id);
  });
});
