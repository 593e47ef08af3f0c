import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { failureOf } from "../testing/failure.ts";
import { requireRoot, Site } from "../testing/runtime-site.ts";
import { TestSupervisor } from "../testing/supervisor.ts";
import { api } from "./api.ts";
import { Client } from "./client.ts";
import { findContainer } from "./containers.ts";
import { stopTask } from "./stop.ts";
import { waitForExit } from "./wait.ts";

describe("a client of tsrund", function () {
  // It is started more than once, on a machine that may have other things to do.
  this.timeout(90_000);
  let site: Site;
  let daemon: TestSupervisor;
  let client: Client;

  before(async function () {
    requireRoot(this);
    site = new Site();
    daemon = new TestSupervisor(join(site.folder, "daemon"));
    await daemon.start();
    client = await Client.connect(daemon.address, { namespace: "test" });
  });

  after(async () => {
    client.close();
    await daemon.stop();
    await site.close();
  });

  const run = async (name: string, args: readonly string[]) => {
    const id = `${site.tag}-${name}`;
    const bundle = site.bundle(args);
    const config = JSON.parse(readFileSync(join(bundle, "config.json"), "utf8"));
    await daemon.createContainer(id, { ...config, root: { ...config.root, path: join(bundle, "rootfs") } });
    await client.call(api.tasks.create, { containerId: id });
    await client.call(api.tasks.start, { containerId: id });
    return id;
  };

  const remove = async (id: string) => {
    await client.call(api.tasks.delete, { containerId: id });
    await client.call(api.containers.delete, { id });
  };

  it("is told an end that came while the daemon was away", async () => {
    const id = await run("w1", ["sleep", "1000"]);
    const exit = waitForExit(client, { containerId: id, execId: "" });
    const { process: task } = await client.call(api.tasks.get, { containerId: id });
    await daemon.stop("SIGKILL");
    process.kill(task?.pid ?? 0, "SIGKILL");
    await daemon.start();
    expect(await exit).to.have.property("exitStatus", 137);
    await remove(id);
  });

  it("finds containers by the begin of their ids", async () => {
    const [first, second] = [await run("w2a", ["true"]), await run("w2b", ["true"])];
    expect(await findContainer(client, first)).to.have.property("id", first);
    const several = await failureOf(findContainer(client, first.slice(0, -1)));
    expect(several)
      .to.have.property("message")
      .that.matches(/is the begin of several containers .*w2a, .*w2b$/);
    expect(await failureOf(findContainer(client, ""))).to.have.property("code", "not_found");
    for (const id of [first, second]) {
      await waitForExit(client, { containerId: id, execId: "" });
      await remove(id);
    }
  });

  it("ends what does not listen", async () => {
    const id = await run("w3-long", ["sleep", "1000"]);
    await stopTask(client, await findContainer(client, id.slice(0, -4)), { signal: 15, graceMs: 0 });
    expect(await waitForExit(client, { containerId: id, execId: "" })).to.have.property("exitStatus", 137);
    await remove(id);
  });
});
