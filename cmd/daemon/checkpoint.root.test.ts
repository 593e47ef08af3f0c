import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { failureOf } from "../../lib/testing/failure.ts";
import { type FakeCriu, makeFakeCriu } from "../../lib/testing/fake-criu.ts";
import { waitUntil } from "../../lib/testing/runtime-poll.ts";
import { LONG, requireRoot } from "../../lib/testing/runtime-site.ts";
import type { TestSupervisor } from "../../lib/testing/supervisor.ts";
import { SupervisorSite } from "../../lib/testing/supervisor-site.ts";
import { containerd, google } from "../../proto/gen/daemon.js";

const { RUNNING } = containerd.v1.types.Status;
const tasks = containerd.services.tasks.v1;
const content = containerd.services.content.v1;
const IMAGES = "application/vnd.containerd.container.criu.checkpoint.criu.tar";
const CONFIG = "application/vnd.containerd.container.checkpoint.config.v1+proto";

describe("tsrund, checkpointing", function () {
  this.timeout(90_000);
  let site: SupervisorSite;
  let daemon: TestSupervisor;
  let criu: FakeCriu;
  const path = process.env["PATH"] ?? "";

  before(async function () {
    requireRoot(this);
    site = new SupervisorSite();
    criu = makeFakeCriu(join(site.site.folder, "fake"));
    // The daemon's own is what shims get.
    process.env["PATH"] = `${criu.folder}:${path}`;
    daemon = site.daemon;
    await daemon.start();
  });

  after(async () => {
    process.env["PATH"] = path;
    await site.close();
  });

  const checkpoint = async (containerId: string, options = {}) => {
    const { CheckpointOptions } = containerd.runc.v1;
    const any = { typeUrl: "containerd.runc.v1.CheckpointOptions", value: CheckpointOptions.encode(options).finish() };
    const messages = [tasks.CheckpointTaskRequest, tasks.CheckpointTaskResponse] as const;
    return (await daemon.call("tasks.v1.Tasks/Checkpoint", messages, { containerId, options: any })).descriptors;
  };

  const create = (containerId: string, descriptor: containerd.types.Descriptor | undefined) =>
    daemon.call("tasks.v1.Tasks/Create", [tasks.CreateTaskRequest, tasks.CreateTaskResponse], {
      containerId,
      checkpoint: descriptor,
    });

  const read = async (digest: string): Promise<Uint8Array> => {
    const messages = [content.ReadContentRequest, content.ReadContentResponse] as const;
    const stream = daemon.stream("content.v1.Content/Read", messages, { digest });
    const chunks: Uint8Array[] = [];
    for await (const { data } of stream as AsyncIterable<containerd.services.content.v1.ReadContentResponse>) {
      chunks.push(data);
    }
    return Buffer.concat(chunks);
  };

  it("writes images and config to the content, and makes a task from them", async () => {
    const { id } = await site.run(LONG);
    const [images, config] = await checkpoint(id);
    expect([images?.mediaType, config?.mediaType]).to.deep.equal([IMAGES, CONFIG]);
    const spec = google.protobuf.Any.decode(await read(config?.digest ?? ""));
    expect(JSON.parse(new TextDecoder().decode(spec.value)).process.args).to.deep.equal(LONG);
    expect(new TextDecoder().decode(await read(images?.digest ?? ""))).to.contain("descriptors.json");
    expect(await daemon.task(id)).to.include({ status: RUNNING });
    await site.remove(id);

    const other = await site.record(LONG);
    await create(other, images);
    await daemon.startTask(other);
    expect(await daemon.task(other)).to.include({ status: RUNNING });
    expect(criu.takeRequests().length).to.be.greaterThan(1);
    await site.remove(other);
  });

  it("leaves images where the options say, and ends the task when they do", async () => {
    const { id } = await site.run(LONG);
    const imagePath = join(site.site.folder, `images-of-${id}`);
    expect(await checkpoint(id, { imagePath, exit: true })).to.deep.equal([]);
    expect((await daemon.wait(id)).exitStatus).to.equal(137);
    expect(JSON.parse(readFileSync(join(imagePath, "descriptors.json"), "utf8"))).to.have.lengthOf(3);
    await site.remove(id);
  });

  it("refuses what is no checkpoint, and tells what criu says", async () => {
    const id = await site.record(LONG);
    const none = { mediaType: IMAGES, digest: `sha256:${"0".repeat(64)}`, size: 1, annotations: {} };
    expect(await failureOf(create(id, none))).to.include({ code: "not_found" });
    expect(await failureOf(create(id, { ...none, mediaType: "text/plain" }))).to.include({ code: "invalid_argument" });
    await daemon.createTask(id);
    await daemon.startTask(id);
    criu.behave({ log: "(00.2) Error (criu/vdso.c:381): vdso: Unexpected rt vDSO area bounds\n" });
    const refused = await failureOf(checkpoint(id));
    expect(String(refused)).to.contain("Unexpected rt vDSO area bounds");
    criu.behave({});
    await waitUntil("task", async () => (await daemon.task(id)).status === RUNNING);
    await site.remove(id);
  });
});
