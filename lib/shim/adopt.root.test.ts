import { execFileSync, spawn } from "node:child_process";
import { closeSync, constants, existsSync, openSync, readFileSync, readSync, rmSync, writeFileSync } from "node:fs";
import { expect } from "chai";
import { containerd } from "../../proto/gen/shim.js";
import { openKernel } from "../linux/kernel.ts";
import { isRunning, readStat } from "../linux/procfs.ts";
import { failureOf } from "../testing/failure.ts";
import { waitUntil } from "../testing/runtime-poll.ts";
import { LONG, requireRoot, type Site } from "../testing/runtime-site.ts";
import { callShim, type EventSink, execSpec, type ShimClient } from "../testing/shim-client.ts";
import { ShimSite } from "../testing/shim-site.ts";

const { CREATED, PAUSED, RUNNING, STOPPED } = containerd.v1.types.Status;
const NO_IO = { stdin: "", stdout: "", stderr: "", terminal: false };
const kernel = openKernel();
/** Not waiting for a writer. */
const READ = constants.O_RDONLY + constants.O_NONBLOCK;

/** Far more than come in one turn. */
const LINES_OF_A_READ = 100;

/** The numbers in a log. */
function linesOf(path: string, stream: string): readonly number[] {
  if (!existsSync(path)) return [];
  const entries = readFileSync(path, "utf8").split("\n").slice(0, -1);
  return entries
    .map((line) => JSON.parse(line))
    .flatMap((entry) => (entry.stream === stream ? [Number(entry.log)] : []));
}

/** How many bytes were read; 0 when there is nothing yet. */
function readSome(fd: number, buffer: Buffer): number {
  try {
    return readSync(fd, buffer);
  } catch {
    return 0;
  }
}

describe("a shim that takes over", function () {
  // A container ends when all its processes are reaped, and who is not its shim's child is reaped by the machine's init.
  this.timeout(90_000);
  let shims: ShimSite;
  let site: Site;
  let sink: EventSink;
  let serial = 0;

  before(function () {
    requireRoot(this);
    shims = new ShimSite();
    ({ site, sink } = shims);
  });

  beforeEach(() => {
    sink.events.length = 0;
    serial += 1;
  });

  after(() => shims.close());

  interface Task {
    readonly id: string;
    readonly bundle: string;
    readonly client: ShimClient;
    readonly pid: number;
  }

  const open = async (id: string, bundle: string): Promise<ShimClient> => {
    return await shims.open(await shims.start(id, bundle));
  };

  const make = async (args: readonly string[], io: Partial<typeof NO_IO> = {}, annotations = {}): Promise<Task> => {
    const id = shims.nextId();
    const bundle = site.bundle(args, (config) => ({ ...config, annotations }));
    const client = await open(id, bundle);
    const { pid } = await client.create({ id, bundle, ...NO_IO, ...io });
    return { id, bundle, client, pid };
  };

  /** Ends the shim of a task at once. */
  const killShim = async ({ id, client }: Task): Promise<void> => {
    process.kill((await client.connect(id)).shimPid, "SIGKILL");
    await waitUntil("end of the shim", () => client.isClosed);
  };

  const adopt = async (task: Task, known = {}): Promise<Task> => {
    const client = await open(task.id, task.bundle);
    await client.adopt({ id: task.id, bundle: task.bundle, ...known });
    return { ...task, client };
  };

  const end = async ({ id, client }: Task): Promise<void> => {
    await client.kill(id, 9).catch(() => undefined);
    await client.wait(id);
    await client.delete(id);
    await client.shutdown(id);
    await waitUntil("end of the shim", () => client.isClosed);
  };

  const topics = () => sink.topics.map((topic) => topic.slice("/tasks/".length));

  it("finds a program running, and tells how it ends", async () => {
    const startTold = true;
    const first = await make(["sh", "-c", "read -r x < /dev/zero & trap 'exit 7' TERM; while :; do sleep 0.02; done"]);
    await first.client.start(first.id);
    await waitUntil("start", () => topics().includes("start"));
    await killShim(first);
    const task = await adopt(first, { startTold });
    const { id, client, pid } = task;
    expect(await client.state(id)).to.include({ pid, status: RUNNING });
    expect((await client.pids(id)).processes.map((each) => each.pid)).to.include(pid);
    expect((await client.stats(id)).stats).to.not.equal(null);
    const waiting = client.wait(id);
    await client.kill(id, 15);
    expect((await waiting).exitStatus).to.equal(7);
    expect(await client.state(id)).to.include({ pid, status: STOPPED, exitStatus: 7 });
    await end(task);
    expect(topics()).to.deep.equal(["create", "start", "exit", "delete"]);
  });

  it("tells once more of a start of which nobody was told", async () => {
    const first = await make(LONG);
    await first.client.start(first.id);
    await waitUntil("start", () => topics().includes("start"));
    await killShim(first);
    await end(await adopt(first, { startTold: false }));
    expect(topics()).to.deep.equal(["create", "start", "start", "exit", "delete"]);
  });

  it("finds a task that waits to be started, and starts it with what the client types", async () => {
    const [stdin, stdout] = [`${site.folder}/in-${serial}`, `${site.folder}/out-${serial}`];
    execFileSync("mkfifo", [stdin, stdout]);
    const output = openSync(stdout, READ);
    const first = await make(["cat"], { stdin, stdout });
    await killShim(first);
    const writer = spawn("sh", ["-c", `exec > ${stdin}; echo there; sleep 0.1; echo again`]);
    const task = await adopt(first);
    const { id, client } = task;
    expect((await client.state(id)).status).to.equal(CREATED);
    await client.start(id);
    expect((await client.wait(id)).exitStatus).to.equal(0);
    const buffer = Buffer.alloc(64);
    expect(buffer.toString("utf8", 0, readSync(output, buffer))).to.equal("there\nagain\n");
    closeSync(output);
    await new Promise((resolve) => (writer.exitCode === null ? writer.on("exit", resolve) : resolve(undefined)));
    await end(task);
  });

  it("keeps what the program writes from SIGPIPE when its client goes away", async () => {
    const stdout = `${site.folder}/pipe-${serial}`;
    execFileSync("mkfifo", [stdout]);
    const output = openSync(stdout, READ);
    const first = await make(["sh", "-c", "trap 'echo x; echo y; exit 5' TERM; while :; do sleep 0.02; done"], {
      stdout,
    });
    await first.client.start(first.id);
    await killShim(first);
    const task = await adopt(first);
    closeSync(output);
    await task.client.kill(task.id, 15);
    expect((await task.client.wait(task.id)).exitStatus).to.equal(5);
    await end(task);
  });

  it("goes on with a log: what is written while there is no shim is in it, too", async () => {
    const path = `${site.folder}/log-${serial}`;
    const count = "n=0; trap 'exit 0' TERM; while :; do n=$((n+1)); echo $n; echo $n >&2; sleep 0.005; done";
    let task = await make(["sh", "-c", count], { stdout: `json-file://${path}`, stderr: `json-file://${path}` });
    await task.client.start(task.id);
    const rounds = 4;
    for (let round = 0; round < rounds; round++) {
      const seen = linesOf(path, "stderr").length;
      await waitUntil("more lines", () => linesOf(path, "stderr").length > seen);
      await killShim(task);
      task = await adopt(task);
    }
    await task.client.kill(task.id, 15);
    await task.client.wait(task.id);
    for (const stream of ["stdout", "stderr"]) {
      const lines = linesOf(path, stream);
      const last = lines.at(-1) ?? 0;
      expect(lines.every((line, at) => line > (lines[at - 1] ?? 0))).to.equal(true);
      // A shim can be killed between its read and its write.
      expect(last - lines.length).to.be.at.most(rounds * LINES_OF_A_READ);
    }
    await end(task);
  });

  it("goes on with what an exec writes to the FIFO of its client", async () => {
    const stdout = `${site.folder}/exec-${serial}`;
    execFileSync("mkfifo", [stdout]);
    const output = openSync(stdout, READ);
    const first = await make(LONG);
    const { id } = first;
    await first.client.start(id);
    const script = "trap 'echo again; exit 0' TERM; echo there; while :; do sleep 0.02; done";
    await first.client.exec({ id, execId: "e", ...NO_IO, stdout, spec: execSpec(["sh", "-c", script]) });
    await first.client.start(id, "e");
    const buffer = Buffer.alloc(64);
    let text = "";
    const read = () => {
      text += buffer.toString("utf8", 0, readSome(output, buffer));
    };
    await waitUntil("first word", () => {
      read();
      return text === "there\n";
    });
    await killShim(first);
    const task = await adopt(first);
    await task.client.kill(id, 15, { execId: "e" });
    expect((await task.client.wait(id, "e")).exitStatus).to.equal(0);
    await task.client.delete(id, "e");
    await waitUntil("second word", () => {
      read();
      return text === "there\nagain\n";
    });
    closeSync(output);
    await end(task);
  });

  it("knows how a process has ended of which its shim knew, and tells it once more where nobody was told", async () => {
    for (const exitTold of [true, false]) {
      sink.events.length = 0;
      const first = await make(["sh", "-c", "exit 3"]);
      await first.client.start(first.id);
      expect((await first.client.wait(first.id)).exitStatus).to.equal(3);
      await waitUntil("exit", () => topics().includes("exit"));
      await killShim(first);
      const task = await adopt(first, { exitTold });
      expect(await task.client.state(task.id)).to.include({ status: STOPPED, exitStatus: 3, pid: first.pid });
      await end(task);
      // One that has ended is not started again.
      const again = exitTold ? [] : ["exit"];
      expect(topics()).to.deep.equal(["create", "start", "exit", ...again, "delete"]);
    }
  });

  it("takes the word of whoever saw the end that no shim has seen, and else says 255", async () => {
    for (const [known, status] of [
      [{ exit: { status: 9, at: { seconds: 1_000_000_000, nanos: 0 } } }, 9],
      [{}, 255],
    ] as const) {
      const first = await make(LONG);
      await first.client.start(first.id);
      await killShim(first);
      process.kill(first.pid, "SIGKILL");
      // Whoever is the first process here may take its time to reap: as if its pid were another's already.
      const file = `${first.bundle}/task.json`;
      const record = JSON.parse(readFileSync(file, "utf8"));
      writeFileSync(file, JSON.stringify({ ...record, init: { ...record.init, startTime: 1 } }));
      const task = await adopt(first, known);
      expect(await task.client.state(task.id)).to.include({ status: STOPPED, exitStatus: status });
      await end(task);
    }
  });

  it("goes on with execs: one that runs, one that has ended, one that was not started", async () => {
    const first = await make(LONG);
    const { id } = first;
    await first.client.start(id);
    const add = async (execId: string, script: string) => {
      await first.client.exec({ id, execId, ...NO_IO, spec: execSpec(["sh", "-c", script]) });
    };
    await add("long", "trap 'exit 6' TERM; while :; do sleep 0.02; done");
    await add("ended", "exit 4");
    await add("new", "exit 8");
    const gone = `${site.folder}/gone-${serial}`;
    execFileSync("mkfifo", [gone]);
    await first.client.exec({ id, execId: "gone", ...NO_IO, stdin: gone, spec: execSpec(["true"]) });
    await first.client.start(id, "long");
    await first.client.start(id, "ended");
    expect((await first.client.wait(id, "ended")).exitStatus).to.equal(4);
    await killShim(first);
    rmSync(gone);
    const task = await adopt(first);
    const { client } = task;
    expect(await client.state(id, "gone")).to.include({ status: CREATED });
    expect(await failureOf(client.start(id, "gone"))).to.match(/no such file or directory/);
    expect(await client.state(id, "gone")).to.include({ status: STOPPED, exitStatus: 255 });
    expect(await client.state(id, "long")).to.include({ status: RUNNING });
    expect(await client.state(id, "ended")).to.include({ status: STOPPED, exitStatus: 4 });
    expect(await client.state(id, "new")).to.include({ status: CREATED });
    await client.start(id, "new");
    expect((await client.wait(id, "new")).exitStatus).to.equal(8);
    await client.kill(id, 15, { execId: "long" });
    expect((await client.wait(id, "long")).exitStatus).to.equal(6);
    for (const execId of ["new", "long", "ended", "gone"]) await client.delete(id, execId);
    await end(task);
  });

  it("finds a task paused, and a group's tasks all", async () => {
    const annotations = { "io.containerd.runc.v2.group": `${site.tag}-group` };
    const first = await make(LONG, {}, annotations);
    const second = await make(LONG, {}, annotations);
    await first.client.start(first.id);
    await first.client.raw("Pause", containerd.task.v2.PauseRequest.encode({ id: first.id }).finish());
    await killShim(first);
    const [paused, created] = [await adopt(first), await adopt(second)];
    const pids = [await paused.client.connect(paused.id), await created.client.connect(created.id)];
    expect(pids[0]?.shimPid).to.equal(pids[1]?.shimPid);
    expect((await paused.client.state(paused.id)).status).to.equal(PAUSED);
    expect((await created.client.state(created.id)).status).to.equal(CREATED);
    await paused.client.raw("Resume", containerd.task.v2.ResumeRequest.encode({ id: paused.id }).finish());
    expect((await paused.client.state(paused.id)).status).to.equal(RUNNING);
    await paused.client.kill(paused.id, 9);
    await paused.client.wait(paused.id);
    await paused.client.delete(paused.id);
    await end(created);
  });

  it("can be killed itself, and leaves no watcher behind", async () => {
    let task = await make(LONG);
    await task.client.start(task.id);
    for (let round = 0; round < 3; round++) {
      await killShim(task);
      task = await adopt(task);
      const { shimPid } = await task.client.connect(task.id);
      const children = () => readFileSync(`/proc/${shimPid}/task/${shimPid}/children`, "utf8").trim().split(" ");
      expect(children()).to.have.lengthOf(1);
      // A watcher that is killed is followed by another.
      const [watcher = ""] = children();
      process.kill(Number(watcher), "SIGKILL");
      await waitUntil("another watcher", () => children()[0] !== "" && children()[0] !== watcher);
      const [other] = children();
      expect(isRunning(kernel, Number(other), readStat(kernel, Number(other))?.startTime ?? -1)).to.equal(true);
      expect((await task.client.state(task.id)).status).to.equal(RUNNING);
    }
    await end(task);
  });

  it("unmounts what its first shim has mounted", async () => {
    const id = shims.nextId();
    const bundle = site.bundle(LONG);
    const client = await open(id, bundle);
    const source = `${bundle}/rootfs`;
    const rootfs = [{ type: "bind", source, options: ["rbind"] }];
    const { pid } = await client.create({ id, bundle, rootfs, ...NO_IO });
    const mounts = () => readFileSync("/proc/self/mountinfo", "utf8").split(source).length - 1;
    expect(mounts()).to.be.greaterThan(0);
    const first = { id, bundle, client, pid };
    await killShim(first);
    await end(await adopt(first));
    expect(mounts()).to.equal(0);
  });

  it("refuses a task that was never made, and takes one over once", async () => {
    const task = await make(LONG);
    const { id, client, bundle } = task;
    const none = `${id}-none`;
    expect(await failureOf(client.adopt({ id: none, bundle: site.bundle(LONG) }))).to.include({ code: "not_found" });
    expect(await failureOf(client.adopt({ id: "../x", bundle }))).to.include({ code: "invalid_argument" });
    expect(await client.adopt({ id, bundle })).to.include({ pid: task.pid, stopped: false });
    writeFileSync(`${bundle}/task.json`, "{");
    await killShim(task);
    const next = await open(id, bundle);
    expect(await failureOf(next.adopt({ id, bundle }))).to.be.instanceOf(Error);
    await next.shutdown(id).catch(() => undefined);
    await callShim(["-id", id, "-bundle", bundle, "delete"], { cwd: bundle, address: "" });
    expect(isRunning(kernel, task.pid, readStat(kernel, task.pid)?.startTime ?? -1)).to.equal(false);
  });
});
