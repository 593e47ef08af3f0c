import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { MSG, SOCKET } from "../../lib/linux/constants/sockets.ts";
import { OwnedFd } from "../../lib/linux/fd.ts";
import { openKernel } from "../../lib/linux/kernel.ts";
import { isListening, listenStream } from "../../lib/linux/socket.ts";
import { failureOf } from "../../lib/testing/failure.ts";
import { waitUntil } from "../../lib/testing/runtime-poll.ts";
import { isAlive } from "../../lib/testing/runtime-proc.ts";
import { startProgram } from "../../lib/testing/runtime-program.ts";
import { LONG, requireRoot, Site } from "../../lib/testing/runtime-site.ts";
import { TestSupervisor } from "../../lib/testing/supervisor.ts";
import { containerd, google } from "../../proto/gen/daemon.js";

const { RUNNING, STOPPED, CREATED } = containerd.v1.types.Status;
const { Empty } = google.protobuf;
const events = containerd.services.events.v1;
const namespaces = containerd.services.namespaces.v1;
const images = containerd.services.images.v1;
const version = containerd.services.version.v1;

describe("tsrund", function () {
  // It is started many times, on a machine that may have other things to do.
  this.timeout(90_000);
  let site: Site;
  let daemon: TestSupervisor;
  let serial = 0;

  before(async function () {
    requireRoot(this);
    site = new Site();
    daemon = new TestSupervisor(join(site.folder, "daemon"));
    await daemon.start();
  });

  after(async () => {
    await daemon.stop();
    await site.close();
  });

  /** A container's record; its rootfs is a directory that is there. */
  const record = async (args: readonly string[]) => {
    serial += 1;
    const id = `${site.tag}-d${serial}`;
    const bundle = site.bundle(args);
    const config = JSON.parse(readFileSync(join(bundle, "config.json"), "utf8"));
    await daemon.createContainer(id, { ...config, root: { ...config.root, path: join(bundle, "rootfs") } });
    return id;
  };

  const run = async (args: readonly string[]) => {
    const id = await record(args);
    await daemon.createTask(id);
    const { pid } = await daemon.startTask(id);
    return { id, pid };
  };

  const remove = async (id: string) => {
    await daemon.kill(id).catch(() => undefined);
    await daemon.wait(id);
    await daemon.deleteTask(id);
    await daemon.deleteContainer(id);
  };

  /** The status of the exit that a subscriber of now is told of. */
  const exitTold = (id: string) =>
    new Promise<number>((resolve, reject) => {
      const messages = [events.SubscribeRequest, containerd.types.Envelope] as const;
      const filters = [`topic=="/tasks/exit",event.container_id==${id}`];
      const stream = daemon.stream("events.v1.Events/Subscribe", messages, { filters });
      stream.on("error", reject);
      stream.on("data", ({ event }: containerd.types.Envelope) => {
        resolve(containerd.events.TaskExit.decode(event?.value ?? new Uint8Array()).exitStatus);
        stream.cancel();
      });
    });

  const bundles = () => {
    const room = join(daemon.folder, "state/io.containerd.runtime.v2.task/test");
    return existsSync(room) ? readdirSync(room) : [];
  };

  it("lets its group in and nobody else", () => {
    expect(statSync(daemon.address).mode % 0o1000).to.equal(0o660);
    expect(statSync(`${daemon.address}.ttrpc`).mode % 0o1000).to.equal(0o600);
    expect(statSync(join(daemon.folder, "root")).mode % 0o1000).to.equal(0o700);
  });

  it("asks for a namespace, and for one that can be", async () => {
    const list = (namespace: string) =>
      failureOf(
        daemon.call("images.v1.Images/List", [images.ListImagesRequest, images.ListImagesResponse], {}, { namespace }),
      );
    expect(await list("")).to.include({ code: "failed_precondition", message: "namespace is required" });
    for (const wrong of ["a/b", "../x", "a b", "-a", "a".repeat(77)]) {
      expect(await list(wrong), wrong).to.include({ code: "invalid_argument" });
    }
  });

  it("says a version that clients can compare", async () => {
    const answer = await daemon.call(
      "version.v1.Version/Version",
      [Empty, version.VersionResponse],
      {},
      { namespace: "" },
    );
    expect(answer.version).to.match(/^1\.7\.\d+$/);
  });

  it("takes a task from created to deleted, and tells of it in order", async () => {
    const seen: string[] = [];
    const id = await record(["sh", "-c", "exit 7"]);
    const filters = [`topic~=tasks,event.container_id==${id}`];
    const stream = daemon.stream("events.v1.Events/Subscribe", [events.SubscribeRequest, containerd.types.Envelope], {
      filters,
    });
    stream.on("error", () => undefined);
    stream.on("data", ({ topic }: containerd.types.Envelope) => seen.push(topic));
    const { pid } = await daemon.createTask(id);
    expect(await daemon.task(id)).to.include({ containerId: id, id, pid, status: CREATED });
    const waiting = daemon.wait(id);
    await daemon.startTask(id);
    expect((await waiting).exitStatus).to.equal(7);
    expect(await daemon.task(id)).to.include({ status: STOPPED, exitStatus: 7 });
    expect(await daemon.deleteTask(id)).to.include({ id, exitStatus: 7, pid });
    expect(await failureOf(daemon.task(id))).to.include({ code: "not_found" });
    await waitUntil("last event", () => seen.includes("/tasks/delete"));
    stream.cancel();
    expect(seen).to.deep.equal(["/tasks/create", "/tasks/start", "/tasks/exit", "/tasks/delete"]);
    expect(bundles()).to.deep.equal([]);
    await daemon.deleteContainer(id);
  });

  it("makes a task once, whoever else asks meanwhile", async () => {
    const id = await record(LONG);
    const results = await Promise.allSettled([1, 2, 3].map(() => daemon.createTask(id)));
    const refused = results.filter((result) => result.status === "rejected").map(({ reason }) => reason.code);
    expect(refused).to.deep.equal(["already_exists", "already_exists"]);
    await remove(id);
  });

  it("leaves nothing of a task that could not be made, and makes it when it can", async () => {
    const id = await record(["/none/such"]);
    expect(await failureOf(daemon.createTask(id))).to.include({ code: "internal" });
    expect(bundles()).to.deep.equal([]);
    expect(await failureOf(daemon.deleteTask(id))).to.include({ code: "not_found" });
    await daemon.deleteContainer(id);
  });

  it("keeps a task that runs from being deleted", async () => {
    const { id, pid } = await run(LONG);
    expect((await failureOf(daemon.deleteTask(id))) instanceof Error).to.equal(true);
    expect(await daemon.task(id)).to.include({ status: RUNNING, pid });
    expect(await failureOf(daemon.wait(id, { deadlineMs: 50 }))).to.include({ code: "deadline_exceeded" });
    await remove(id);
  });

  it("finds its tasks again after SIGKILL, and what became of them", async () => {
    const [kept, ended] = [await run(LONG), await run(LONG)];
    await daemon.stop("SIGKILL");
    process.kill(ended.pid, "SIGKILL");
    await waitUntil("end of the process", () => !isAlive(ended.pid));
    await daemon.start();
    // A client that has come back after its daemon has not missed the exit.
    expect(await exitTold(ended.id)).to.equal(137);
    expect(await daemon.task(kept.id)).to.include({ status: RUNNING, pid: kept.pid });
    expect(await daemon.task(ended.id)).to.include({ status: STOPPED, exitStatus: 137 });
    await remove(kept.id);
    await remove(ended.id);
    expect(bundles()).to.deep.equal([]);
  });

  it("ends with status 0, takes its sockets along, and leaves its tasks", async () => {
    const { id, pid } = await run(LONG);
    const stream = daemon.stream(
      "events.v1.Events/Subscribe",
      [events.SubscribeRequest, containerd.types.Envelope],
      {},
    );
    stream.on("error", () => undefined);
    expect(await daemon.stop()).to.equal(0);
    expect([existsSync(daemon.address), existsSync(`${daemon.address}.ttrpc`), isAlive(pid)]).to.deep.equal([
      false,
      false,
      true,
    ]);
    await daemon.start();
    expect(await daemon.task(id)).to.include({ status: RUNNING, pid });
    await remove(id);
  });

  it("can be killed at any moment of a creation: afterwards there is a task, or nothing", async () => {
    for (let delayMs = 0; delayMs < 60; delayMs += 6) {
      const id = await record(LONG);
      const creating = failureOf(daemon.createTask(id));
      await Bun.sleep(delayMs);
      await daemon.stop("SIGKILL");
      await creating.catch(() => undefined);
      await daemon.start();
      const found = await daemon.listTasks();
      expect(found.map((task) => [task.id, task.status])).to.deep.equal(found.length === 0 ? [] : [[id, CREATED]]);
      if (found.length > 0) await remove(id);
      else {
        await daemon.createTask(id);
        await remove(id);
      }
      expect(bundles(), `after ${delayMs} ms`).to.deep.equal([]);
    }
  });

  it("is the only one on its root", async () => {
    const second = await startProgram([...daemon.words, "--address", `${daemon.address}2`]).outcome;
    expect(second).to.include({ status: 1 });
    expect(second.stderr).to.match(/^tsrund: cannot lock .*: process \d+ has it\n$/);
    const answer = await daemon.call(
      "namespaces.v1.Namespaces/List",
      [namespaces.ListNamespacesRequest, namespaces.ListNamespacesResponse],
      {},
    );
    expect(answer.namespaces.map(({ name }) => name)).to.deep.equal(["test"]);
  });

  it("takes the socket that systemd has made, and tells when it serves on it", async () => {
    const other = new TestSupervisor(join(site.folder, "activated"));
    const kernel = openKernel();
    const listener = listenStream(kernel, other.address);
    if (typeof listener === "number") throw new Error(`cannot listen: ${listener}`);
    const path = join(site.folder, "notices");
    // struct sockaddr_un: AF_UNIX, and the path with its NUL.
    const address = Uint8Array.of(SOCKET.AF_UNIX, 0, ...new TextEncoder().encode(path), 0);
    using notices = new OwnedFd(kernel, kernel.call("socket", SOCKET.AF_UNIX, SOCKET.SOCK_DGRAM, 0));
    expect(kernel.call("bind", notices.number, address, address.length)).to.equal(0);
    const words = ["sh", "-c", 'LISTEN_PID=$$ exec "$@"', "sh", ...other.words];
    const env = { PATH: "/usr/bin:/bin", LISTEN_FDS: "1", NOTIFY_SOCKET: path };
    const program = startProgram(words, { env, descriptors: [listener.number] });
    const buffer = new Uint8Array(100);
    const hear = async () => {
      let size = 0;
      await waitUntil("notice", () => {
        size = kernel.call("recvfrom", notices.number, buffer, buffer.length, MSG.MSG_DONTWAIT, 0, 0);
        return size > 0;
      });
      return new TextDecoder().decode(buffer.subarray(0, size));
    };
    expect(await hear()).to.equal("READY=1");
    expect(isListening(kernel, other.address)).to.equal(true);
    process.kill(program.pid, "SIGTERM");
    expect(await hear()).to.equal("STOPPING=1");
    expect(await program.outcome).to.include({ status: 0, stderr: "" });
    // It is systemd's.
    expect(existsSync(other.address)).to.equal(true);
    listener.close();
  });
});
