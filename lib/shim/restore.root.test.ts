import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { expect } from "chai";
import { containerd } from "../../proto/gen/shim.js";
import { DESCRIPTORS } from "../runtime/criu/checkpoint.ts";
import { REQUEST } from "../runtime/criu/messages.ts";
import { failureOf } from "../testing/failure.ts";
import { type FakeCriu, makeFakeCriu } from "../testing/fake-criu.ts";
import { useSite } from "../testing/runtime-hooks.ts";
import { waitUntil } from "../testing/runtime-poll.ts";
import { LONG, type Site } from "../testing/runtime-site.ts";
import { callShim, EventSink, execSpec, ShimClient } from "../testing/shim-client.ts";

const { CREATED, RUNNING, STOPPED } = containerd.v1.types.Status;
const NO_IO = { stdin: "", stdout: "", stderr: "", terminal: false };
/** What criu says on a kernel whose vDSO it cannot read. */
const LOG = "(00.1) Version: 3.17.1\n(00.2) Error (criu/vdso.c:381): vdso: Unexpected rt vDSO area bounds\n";

interface Trial {
  readonly id: string;
  readonly bundle: string;
  readonly images: string;
  readonly criu: FakeCriu;
  readonly client: ShimClient;
  readonly sink: EventSink;
  readonly create: (request?: Partial<containerd.task.v2.CreateTaskRequest>) => Promise<unknown>;
  /** Deletes the task, and waits for the end of the shim. */
  readonly end: () => Promise<void>;
}

/** A shim that finds a fake criu, with images of a checkpoint and without a task. */
async function open(site: Site, args: readonly string[] = LONG): Promise<Trial> {
  const id = `${site.tag}-restored`;
  const criu = makeFakeCriu(`${site.folder}/fake`);
  const bundle = site.bundle(args);
  const images = `${bundle}/images`;
  mkdirSync(images);
  writeFileSync(`${images}/${DESCRIPTORS}`, '["/dev/null","pipe:[7]","pipe:[8]"]');
  const sink = new EventSink(`${bundle}/events`);
  const path = `${criu.folder}:/usr/sbin:/usr/bin:/sbin:/bin`;
  const { stdout } = await callShim(["-id", id, "start"], { cwd: bundle, address: sink.path, path });
  const client = await ShimClient.open(stdout);
  return {
    id,
    bundle,
    images,
    criu,
    client,
    sink,
    create: async (request = {}) => await client.create({ id, bundle, ...NO_IO, checkpoint: images, ...request }),
    end: async () => {
      await client.delete(id);
      await client.shutdown(id);
      await waitUntil("end of the shim", () => client.isClosed);
      sink[Symbol.dispose]();
      expect(existsSync(`/run/containerd/tsrun/test/${id}`)).to.equal(false);
    },
  };
}

describe("containerd-shim-tsrun-v2, restoring", () => {
  const checked = useSite();

  it(
    "restores at Start what Create has named, and follows it to its end",
    checked(async (site) => {
      const { id, images, bundle, criu, client, sink, create, end } = await open(site);
      expect(await create()).to.include({ pid: 0 });
      expect(await client.state(id)).to.include({ status: CREATED, pid: 0 });
      expect(criu.takeRequests()).to.deep.equal([]);
      const { pid } = await client.start(id);
      expect(await client.state(id)).to.include({ status: RUNNING, pid });
      expect(readFileSync(`/proc/${pid}/cmdline`, "utf8")).to.contain("sleep");
      const [, restore] = criu.takeRequests();
      expect(restore?.type).to.equal(REQUEST.RESTORE);
      expect(restore?.opts?.inheritFd).to.deep.equal([
        { key: "pipe:[7]", fd: 1 },
        { key: "pipe:[8]", fd: 2 },
      ]);
      expect(existsSync(`${bundle}/criu-work`)).to.equal(true);
      await client.exec({ id, execId: "e", ...NO_IO, spec: execSpec(LONG) });
      await client.delete(id, "e");
      expect(await failureOf(client.start(id))).to.include({ code: "failed_precondition" });
      await client.kill(id, 9);
      expect((await client.wait(id)).exitStatus).to.equal(137);
      await end();
      const lifecycle = ["/tasks/create", "/tasks/start", "/tasks/exit", "/tasks/delete"];
      expect(sink.topics.filter((topic) => !topic.includes("exec"))).to.deep.equal(lifecycle);
      const created = sink.events.find(({ topic }) => topic === "/tasks/create");
      const { checkpoint } = containerd.events.TaskCreate.decode(created?.value ?? new Uint8Array());
      expect(checkpoint).to.equal(images);
    }),
  );

  it(
    "gives criu the streams of the request",
    checked(async (site) => {
      const { id, criu, client, create, end } = await open(site);
      const stdin = `${site.folder}/stdin`;
      writeFileSync(stdin, "");
      await create({ stdin, stdout: `file://${site.folder}/out` });
      await client.start(id);
      expect(criu.takeRequests().at(-1)?.stdin).to.equal(stdin);
      await client.kill(id, 9);
      await client.wait(id);
      await end();
    }),
  );

  it(
    "takes the images from the options CriuImagePath and CriuWorkPath",
    checked(async (site) => {
      const { id, images, client, create, end } = await open(site);
      const criuWorkPath = `${site.folder}/work`;
      const value = containerd.runc.v1.Options.encode({ criuImagePath: images, criuWorkPath }).finish();
      await create({ checkpoint: "", options: { typeUrl: "containerd.runc.v1.Options", value } });
      await client.start(id);
      expect(existsSync(criuWorkPath)).to.equal(true);
      await client.kill(id, 9);
      await client.wait(id);
      await end();
    }),
  );

  it(
    "tells what criu says when it fails; the task has ended then, and nothing is left",
    checked(async (site) => {
      const { id, bundle, criu, client, create, end } = await open(site);
      await create();
      const waiting = client.wait(id);
      criu.behave({ log: LOG });
      const error = await failureOf(client.start(id));
      expect(String(error)).to.contain("OCI runtime restore failed: criu failed: type RESTORE errno 3 (ESRCH): Error");
      expect(String(error)).to.contain(`Unexpected rt vDSO area bounds: log file: ${bundle}/criu-work/restore.log`);
      expect((await waiting).exitStatus).to.equal(255);
      expect(await client.state(id)).to.include({ status: STOPPED, pid: 0 });
      expect(await failureOf(client.start(id))).to.include({ code: "failed_precondition" });
      await end();
    }),
  );

  it(
    "refuses a relative path, and images that are not there",
    checked(async (site) => {
      const { id, images, client, create, end } = await open(site);
      expect(await failureOf(create({ checkpoint: "images" }))).to.include({ code: "invalid_argument" });
      await create({ checkpoint: `${images}/missing` });
      expect(String(await failureOf(client.start(id)))).to.contain("there is no complete checkpoint");
      await end();
    }),
  );

  it(
    "deletes a task that was never restored",
    checked(async (site) => {
      const { id, client, create, end } = await open(site);
      await create();
      expect(await failureOf(client.kill(id, 9))).to.include({ code: "not_found" });
      const waiting = client.wait(id);
      await end();
      expect((await waiting).exitStatus).to.equal(0);
    }),
  );
});
