import { readFileSync } from "node:fs";
import { expect } from "chai";
import { waitUntil } from "../../lib/testing/runtime-poll.ts";
import { isAlive, listPids, readIfThere, readStatus } from "../../lib/testing/runtime-proc.ts";
import { LONG, requireRoot } from "../../lib/testing/runtime-site.ts";
import type { TestSupervisor } from "../../lib/testing/supervisor.ts";
import { SupervisorSite } from "../../lib/testing/supervisor-site.ts";
import { containerd } from "../../proto/gen/daemon.js";

const { RUNNING } = containerd.v1.types.Status;
/** As many as wait when nobody says otherwise. */
const IDLE_SHIMS = 2;

describe("tsrund with shims that wait", function () {
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

  const create = async (annotations = {}) => {
    const { id, pid } = await site.run(LONG, annotations);
    return { id, shim: readStatus(pid)?.parent ?? 0 };
  };

  const wordsOf = (pid: number) => readIfThere(`/proc/${pid}/cmdline`).split("\0");
  const waiting = () =>
    listPids().filter((pid) => wordsOf(pid).includes("standby") && wordsOf(pid).includes(daemon.address));

  it("has none before there was a task, and gives each task one that was there", async () => {
    expect(waiting()).to.deep.equal([]);
    const first = await create();
    await waitUntil("waiting shims", () => waiting().length === IDLE_SHIMS);
    const before = waiting();
    const second = await create();
    expect(before).to.include(second.shim);
    expect(wordsOf(second.shim).slice(0, 8)).to.deep.equal([
      ...["containerd-shim-tsrun-v2", "-namespace", "test", "-id", second.id, "-address", daemon.address, "-socket"],
    ]);
    expect(
      readFileSync(`/proc/${second.shim}/environ`, "utf8")
        .split("\0")
        .map((line) => line.split("=")[0]),
    ).to.include("TTRPC_ADDRESS");
    expect(await daemon.task(second.id)).to.include({ status: RUNNING });
    await site.remove(first.id);
    await site.remove(second.id);
    await waitUntil("end of both shims", () => ![first.shim, second.shim].some(isAlive));
  });

  it("gives a second task of a group to the shim of the first", async () => {
    const group = { "io.containerd.runc.v2.group": `${site.site.tag}-pod` };
    const [first, second] = [await create(group), await create(group)];
    expect(second.shim).to.equal(first.shim);
    await site.remove(first.id);
    await site.remove(second.id);
  });

  it("makes a task though those that waited were killed", async () => {
    await waitUntil("waiting shims", () => waiting().length === IDLE_SHIMS);
    for (const pid of waiting()) process.kill(pid, "SIGKILL");
    const { id } = await create();
    expect(await daemon.task(id)).to.include({ status: RUNNING });
    await site.remove(id);
  });

  it("takes them along, even when it is killed", async () => {
    await waitUntil("waiting shims", () => waiting().length === IDLE_SHIMS);
    await daemon.stop("SIGKILL");
    await waitUntil("end of all that waited", () => waiting().length === 0);
    await daemon.start();
    expect(waiting()).to.deep.equal([]);
    await site.remove((await create()).id);
    await waitUntil("waiting shims", () => waiting().length === IDLE_SHIMS);
    await daemon.stop();
    await waitUntil("end of all that waited", () => waiting().length === 0);
    await daemon.start();
  });
});
