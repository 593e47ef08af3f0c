import { execFileSync } from "node:child_process";
import {
  closeSync,
  constants,
  existsSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  readSync,
  writeFileSync,
} from "node:fs";
import { connect as connectSocket } from "node:net";
import { expect } from "chai";
import { io } from "../../proto/gen/metrics.js";
import { containerd } from "../../proto/gen/shim.js";
import { readStat } from "../linux/procfs.ts";
import { failureOf } from "../testing/failure.ts";
import { waitUntil } from "../testing/runtime-poll.ts";
import { LONG, requireRoot, type Site } from "../testing/runtime-site.ts";
import { callShim, type EventSink, execSpec, type ShimClient } from "../testing/shim-client.ts";
import { ShimSite } from "../testing/shim-site.ts";

const { CREATED, RUNNING, STOPPED } = containerd.v1.types.Status;
const NO_IO = { stdin: "", stdout: "", stderr: "", terminal: false };

/** What can be read now: "" at the end, undefined where something may still come. */
function readIfAny(fd: number): string | undefined {
  const bytes = Buffer.alloc(64);
  try {
    return bytes.toString("utf8", 0, readSync(fd, bytes));
  } catch {
    return undefined;
  }
}

/** What a link leads to; "" when it is gone. */
function readIfThere(link: string): string {
  try {
    return readlinkSync(link);
  } catch {
    return "";
  }
}

describe("containerd-shim-tsrun-v2", () => {
  let shims: ShimSite;
  let site: Site;
  let sink: EventSink;

  before(function () {
    requireRoot(this);
    shims = new ShimSite();
    ({ site, sink } = shims);
  });

  beforeEach(() => {
    sink.events.length = 0;
  });

  after(() => shims.close());

  /** A shim with a task that was made and not started. */
  const make = async (args: readonly string[], { group = "" } = {}) => {
    const id = shims.nextId();
    const bundle = site.bundle(args, (config) =>
      group === "" ? config : { ...config, annotations: { "io.containerd.runc.v2.group": group } },
    );
    const url = await shims.start(id, bundle);
    const client = await shims.open(url);
    await client.create({ id, bundle, ...NO_IO });
    return { id, bundle, client, url };
  };

  const end = async ({ id, client }: { readonly id: string; readonly client: ShimClient }) => {
    await client.kill(id, 9).catch(() => undefined);
    await client.wait(id);
    await client.delete(id);
    await client.shutdown(id);
    await waitUntil("end of the shim", () => client.isClosed);
  };

  it("prints its address and nothing else, and writes it into the bundle", async () => {
    const id = `${site.tag}-address`;
    const bundle = site.bundle(LONG);
    const { status, stdout, stderr } = await callShim(["-id", id, "start"], { cwd: bundle, address: sink.path });
    expect({ status, stderr }).to.deep.equal({ status: 0, stderr: "" });
    expect(stdout).to.match(/^unix:\/\/\/run\/containerd\/s\/[0-9a-f]{64}$/);
    expect(readFileSync(`${bundle}/address`, "utf8")).to.equal(stdout);
    const client = await shims.open(stdout);
    expect((await client.connect(id)).taskPid).to.equal(0);
    await client.shutdown(id);
    await waitUntil("end of the shim", () => client.isClosed);
    expect(existsSync(stdout.slice("unix://".length))).to.equal(false);
  });

  it("says what it is, and refuses what it does not know in one line", async () => {
    const call = (...words: readonly string[]) => callShim(words, { cwd: "/", address: "" });
    const info = containerd.types.RuntimeInfo.decode((await call("-info")).bytes);
    expect(info.name).to.equal("io.containerd.tsrun.v2");
    expect(JSON.parse(new TextDecoder().decode(info.features?.value))).to.include({ ociVersionMin: "1.0.0" });
    expect((await call("-v")).stdout).to.match(/^containerd-shim-tsrun-v2:\n {2}Version: {2}\S+\n/);
    for (const words of [["stop"], ["start"], ["-nonsense", "start"], ["-id"]]) {
      const { status, stdout, stderr } = await call(...words);
      expect({ status, stdout }, words.join()).to.deep.equal({ status: 1, stdout: "" });
      expect(stderr, words.join()).to.match(/^containerd-shim-tsrun-v2: [^\n]+\n$/);
    }
  });

  it("takes a task from created to deleted, and tells of it in order", async () => {
    const task = await make(["sh", "-c", "exit 7"]);
    const { id, client } = task;
    expect((await client.state(id)).status).to.equal(CREATED);
    const { pid } = await client.start(id);
    const { exitStatus, exitedAt } = await client.wait(id);
    expect(exitStatus).to.equal(7);
    expect(Math.abs(Number(exitedAt?.seconds) - Date.now() / 1_000)).to.be.lessThan(10);
    expect(await client.state(id)).to.include({ status: STOPPED, exitStatus: 7, pid });
    expect(await client.delete(id)).to.include({ exitStatus: 7, pid });
    expect(await failureOf(client.state(id))).to.include({ code: "not_found" });
    await client.shutdown(id);
    await waitUntil("end of the shim", () => client.isClosed);
    expect(sink.topics).to.deep.equal(["/tasks/create", "/tasks/start", "/tasks/exit", "/tasks/delete"]);
    expect(new Set(sink.events.map(({ namespace }) => namespace))).to.deep.equal(new Set(["test"]));
  });

  it("answers as the third version of the service, too", async () => {
    const task = await make(LONG);
    const third = await shims.open(task.url, 3);
    expect((await third.state(task.id)).status).to.equal(CREATED);
    await end(task);
  });

  it("says Go's zero time of what has not happened", async () => {
    const task = await make(LONG);
    const { exitedAt } = await task.client.state(task.id);
    expect(String(exitedAt?.seconds)).to.equal("-62135596800");
    await end(task);
  });

  it("serves a group from one process, and ends with its last task", async () => {
    const group = `${site.tag}-pod`;
    const first = await make(LONG, { group });
    const second = await make(LONG, { group });
    expect(second.url).to.equal(first.url);
    const pids = await Promise.all([first, second].map(async ({ id, client }) => (await client.connect(id)).shimPid));
    expect(pids[0]).to.equal(pids[1]);
    await first.client.kill(first.id, 9);
    await first.client.wait(first.id);
    await first.client.delete(first.id);
    await first.client.shutdown(first.id);
    expect((await second.client.state(second.id)).status).to.equal(CREATED);
    await end(second);
  });

  it("refuses by class what cannot be done", async () => {
    const task = await make(LONG);
    const { id, bundle, client } = task;
    const cases: readonly (readonly [string, Promise<unknown>, string])[] = [
      ["a second task", client.create({ id, bundle, ...NO_IO }), "already_exists"],
      ["an id that is none", client.create({ id: "../x", bundle, ...NO_IO }), "invalid_argument"],
      ["a relative bundle", client.create({ id: "x", bundle: "b", ...NO_IO }), "invalid_argument"],
      ["a task that is not there", client.start("missing"), "not_found"],
      ["an exec that is not there", client.state(id, "missing"), "not_found"],
      ["an exec of a task that does not run", client.exec({ id, execId: "e", ...NO_IO }), "invalid_argument"],
      ["a signal that is none", client.kill(id, 99), "invalid_argument"],
      ["an update that is no JSON", client.update(id, { memory: { limit: "x" } }), "invalid_argument"],
      ["a method that is not there", client.raw("Missing", new Uint8Array()), "unimplemented"],
      ["a request that is none", client.raw("State", Uint8Array.of(255)), "invalid_argument"],
    ];
    for (const [what, call, code] of cases) expect(await failureOf(call), what).to.include({ code });
    await client.start(id);
    expect(await failureOf(client.delete(id))).to.include({ code: "failed_precondition" });
    expect(await failureOf(client.start(id))).to.include({ code: "failed_precondition" });
    await end(task);
  });

  it("leaves nothing of a task that cannot be made, and makes the next one", async () => {
    const task = await make(LONG);
    const { client } = task;
    const bundle = site.bundle(["missing-program"]);
    const id = `${site.tag}-bad`;
    const error = await failureOf(client.create({ id, bundle, ...NO_IO }));
    expect(String(error)).to.contain('OCI runtime create failed: exec: "missing-program": executable file not found');
    writeFileSync(
      `${bundle}/config.json`,
      readFileSync(`${task.bundle}/config.json`, "utf8").replace(/b\d+"/, 'other"'),
    );
    await client.create({ id, bundle, ...NO_IO });
    await client.kill(id, 9);
    await client.wait(id);
    await client.delete(id);
    await end(task);
  });

  it("runs execs, and tells the end of init last", async () => {
    const task = await make(LONG);
    const { id, client } = task;
    await client.start(id);
    for (const execId of ["e1", "e2"]) {
      await client.exec({ id, execId, ...NO_IO, spec: execSpec(LONG) });
      expect((await client.state(id, execId)).status).to.equal(CREATED);
      await client.start(id, execId);
      expect((await client.state(id, execId)).status).to.equal(RUNNING);
    }
    expect((await client.pids(id)).processes.map(({ info }) => info !== null)).to.have.members([false, true, true]);
    const waits = ["e1", "e2", ""].map(async (execId) => (await client.wait(id, execId)).exitStatus);
    await client.kill(id, 9);
    expect(await Promise.all(waits)).to.deep.equal([137, 137, 137]);
    await waitUntil("events", () => sink.topics.filter((topic) => topic === "/tasks/exit").length === 3);
    const exits = sink.events.filter(({ topic }) => topic === "/tasks/exit");
    expect(exits.map(({ value }) => containerd.events.TaskExit.decode(value).id).at(-1)).to.equal(id);
    await end(task);
  });

  it("has the FIFOs of an exec open from its start to its end", async () => {
    const task = await make(LONG);
    const { id, client } = task;
    await client.start(id);
    const fifo = `${site.folder}/output-${id}`;
    execFileSync("mkfifo", [fifo]);
    await client.exec({ id, execId: "e", ...NO_IO, stdout: fifo, spec: execSpec(["sh", "-c", "echo there"]) });
    const { shimPid } = await client.connect(id);
    const opened = readdirSync(`/proc/${shimPid}/fd`).map((fd) => readIfThere(`/proc/${shimPid}/fd/${fd}`));
    expect(opened).to.not.include(fifo);
    const reader = openSync(fifo, constants.O_RDONLY + constants.O_NONBLOCK);
    await client.start(id, "e");
    expect((await client.wait(id, "e")).exitStatus).to.equal(0);
    // Its end comes with that of the exec, not with its removal: a reader of nothing is told EAGAIN until then.
    let text = "";
    await waitUntil("end of the output", () => {
      const bytes = readIfAny(reader);
      text += bytes ?? "";
      return bytes === "";
    });
    expect(text).to.equal("there\n");
    closeSync(reader);
    await client.delete(id, "e");
    await end(task);
  });

  it("changes limits, and counts", async () => {
    const task = await make(LONG);
    const { id, client } = task;
    await client.start(id);
    await client.update(id, { memory: { limit: 64 * 2 ** 20 }, pids: { limit: 77 } });
    const { stats } = await client.stats(id);
    const { v1, v2 } = io.containerd.cgroups;
    const codec = stats?.typeUrl === "io.containerd.cgroups.v2.Metrics" ? v2.Metrics : v1.Metrics;
    expect(Number(codec.decode(stats?.value ?? new Uint8Array()).pids?.limit)).to.equal(77);
    await end(task);
  });

  it("answers others while one task is slow to be made", async () => {
    const first = await make(LONG, { group: `${site.tag}-slow` });
    const hook = { path: "/bin/sleep", args: ["sleep", "1"] };
    const bundle = site.bundle(LONG, (config) => ({ ...config, hooks: { createRuntime: [hook] } }));
    const id = `${site.tag}-slow`;
    let isMade = false;
    const making = first.client.create({ id, bundle, ...NO_IO }).then(() => {
      isMade = true;
    });
    await first.client.start(first.id);
    expect((await first.client.state(first.id)).status).to.equal(RUNNING);
    expect(isMade).to.equal(false);
    await making;
    await first.client.kill(id, 9);
    await first.client.wait(id);
    await first.client.delete(id);
    await end(first);
  });

  it("lives on when a connection brings garbage", async () => {
    const task = await make(LONG);
    const garbage = connectSocket(task.url.slice("unix://".length));
    const closed = new Promise((resolve) => garbage.on("close", resolve));
    garbage.on("error", () => undefined);
    garbage.write("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    await closed;
    expect((await task.client.state(task.id)).status).to.equal(CREATED);
    await end(task);
  });

  it("delete: removes what a killed shim leaves, answers 137, and may be called again", async () => {
    const task = await make(LONG);
    const { pid } = await task.client.start(task.id);
    process.kill((await task.client.connect(task.id)).shimPid, "SIGKILL");
    await waitUntil("end of the shim", () => task.client.isClosed);
    for (let round = 0; round < 2; round++) {
      const words = ["-id", task.id, "-bundle", task.bundle, "delete"];
      const { status, bytes, stderr } = await callShim(words, { cwd: task.bundle, address: sink.path });
      expect({ status, stderr }).to.deep.equal({ status: 0, stderr: "" });
      const answer = containerd.task.v2.DeleteResponse.decode(bytes);
      expect(answer.exitStatus).to.equal(137);
    }
    // Whoever is its parent now may not have reaped it yet.
    expect(["", "X", "Z"]).to.include(readStat(site.options.kernel, pid)?.state ?? "");
    expect(existsSync(task.url.slice("unix://".length))).to.equal(false);
  });
});
