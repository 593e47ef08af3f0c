import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { expect } from "chai";
import { containerd } from "../../proto/gen/shim.js";
import { failureOf } from "../testing/failure.ts";
import { useSite } from "../testing/runtime-hooks.ts";
import { waitUntil } from "../testing/runtime-poll.ts";
import { LONG, type Site } from "../testing/runtime-site.ts";
import { callShim, ShimClient } from "../testing/shim-client.ts";

const { CREATED } = containerd.v1.types.Status;
const NO_IO = { stdin: "", stdout: "", stderr: "", terminal: false };

interface Trial {
  readonly id: string;
  readonly bundle: string;
  readonly url: string;
  readonly client: ShimClient;
  /** Deletes the task, whose process is killed first, and waits for the end of the shim. */
  readonly end: () => Promise<void>;
}

/** A shim that has no task yet. With `gate`, a task is not made before that file is there. */
async function open(site: Site, gate?: string): Promise<Trial> {
  const id = `${site.tag}-faulty`;
  const hook = { path: "/bin/sh", args: ["sh", "-c", `until [ -e '${gate}' ]; do sleep 0.02; done`] };
  const hooks = gate === undefined ? {} : { createRuntime: [hook] };
  const bundle = site.bundle(LONG, (config) => ({ ...config, hooks }));
  const { stdout: url } = await callShim(["-id", id, "start"], { cwd: bundle, address: "" });
  const client = await ShimClient.open(url);
  const end = async () => {
    await client.kill(id, 9);
    await client.wait(id);
    await client.delete(id);
    await client.shutdown(id);
    await waitUntil("end of the shim", () => client.isClosed);
  };
  return { id, bundle, url, client, end };
}

function call(...cmd: readonly string[]): void {
  const { exitCode, stderr } = Bun.spawnSync({ cmd: [...cmd], stderr: "pipe" });
  if (exitCode !== 0) throw new Error(`${cmd.join(" ")}: ${stderr}`);
}

/** Runs `work` with a directory that is on a disk without a free byte; `free` makes room. */
async function withFullDisk(site: Site, work: (path: string, free: () => void) => Promise<void>): Promise<void> {
  const path = `${site.folder}/full`;
  mkdirSync(path, { recursive: true });
  call("mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", path);
  try {
    Bun.spawnSync({ cmd: ["dd", "if=/dev/zero", `of=${path}/ballast`, "bs=4k"], stderr: "ignore" });
    await work(path, () => writeFileSync(`${path}/ballast`, ""));
  } finally {
    call("umount", path);
  }
}

describe("containerd-shim-tsrun-v2, when things fail", () => {
  const checked = useSite();

  it(
    "completes what a client has asked for that went away",
    checked(async (site) => {
      const gate = `${site.folder}/gate`;
      const { id, bundle, url, client, end } = await open(site, gate);
      const gone = await ShimClient.open(url);
      const asked = failureOf(gone.create({ id, bundle, ...NO_IO }));
      // The request has been read, and the hook waits.
      await waitUntil("options", () => readdirSync(bundle).includes("options.json"));
      gone.close();
      expect(await asked).to.include({ code: "unavailable" });
      expect(await failureOf(client.create({ id, bundle, ...NO_IO }))).to.include({ code: "already_exists" });
      writeFileSync(gate, "");
      await waitUntil("task", async () => (await client.connect(id)).taskPid > 0);
      expect((await client.state(id)).status).to.equal(CREATED);
      await end();
    }),
  );

  it(
    "says that it is out of descriptors, answers on, and makes the next one when it has some",
    checked(async (site) => {
      const { id, bundle, client, end } = await open(site);
      const { shimPid } = await client.connect(id);
      const descriptors = () => readdirSync(`/proc/${shimPid}/fd`).length;
      const limit = (soft: number) => call("prlimit", "--pid", String(shimPid), `--nofile=${soft}:`);
      const before = descriptors();
      for (const spare of [1, 3, 5, 8]) {
        limit(before + spare);
        const error = String(await failureOf(client.create({ id, bundle, ...NO_IO })));
        expect(error, `${spare} spare`).to.match(/too many open files|EMFILE/);
        expect((await client.connect(id)).taskPid).to.equal(0);
        expect(descriptors(), `${spare} spare`).to.be.at.most(before + 1);
      }
      limit(512);
      await client.create({ id, bundle, ...NO_IO });
      await end();
    }),
  );

  it(
    "says that the disk of the state is full, leaves nothing, and makes the container when there is room",
    checked(async (site) => {
      const { id, bundle, client, end } = await open(site);
      await withFullDisk(site, async (root, free) => {
        const value = containerd.runc.v1.Options.encode({ root }).finish();
        const request = { id, bundle, ...NO_IO, options: { typeUrl: "containerd.runc.v1.Options", value } };
        const asked = client.raw("Create", containerd.task.v2.CreateTaskRequest.encode(request).finish(), 1500);
        expect(String(await failureOf(asked))).to.contain("no space left on device (ENOSPC)");
        expect(readdirSync(root, { recursive: true }).filter((name) => String(name).includes(id))).to.deep.equal([]);
        free();
        await client.create(request);
        await end();
      });
    }),
  );

  it(
    "says that the disk of the bundle is full, and leaves nothing",
    checked(async (site) => {
      const { id, bundle, client, end } = await open(site);
      await withFullDisk(site, async (full) => {
        const error = await failureOf(client.create({ id, bundle: full, ...NO_IO }));
        expect(String(error)).to.contain("no space left on device (ENOSPC)");
        expect(readdirSync(full)).to.deep.equal(["ballast"]);
      });
      await client.create({ id, bundle, ...NO_IO });
      await end();
    }),
  );
});
