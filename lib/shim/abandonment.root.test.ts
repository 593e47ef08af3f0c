import { existsSync, renameSync, rmSync } from "node:fs";
import { expect } from "chai";
import { containerd } from "../../proto/gen/shim.js";
import { waitUntil } from "../testing/runtime-poll.ts";
import { isAlive } from "../testing/runtime-proc.ts";
import { LONG, requireRoot, Site } from "../testing/runtime-site.ts";
import { callShim, EventSink, ShimClient } from "../testing/shim-client.ts";

const NO_IO = { stdin: "", stdout: "", stderr: "", terminal: false };
/** A shim looks every five seconds, and ends by the second look. */
const LIMIT_MS = 40_000;

interface Lone {
  readonly id: string;
  readonly bundle: string;
  /** The path of its socket. */
  readonly socket: string;
  readonly client: ShimClient;
  readonly shim: number;
  readonly init: number;
}

describe("a shim that nobody will ask any more", function () {
  this.timeout(4 * LIMIT_MS);
  let site: Site;

  /** A shim with a task that was made and not started. */
  const make = async (name: string, options: { readonly binaryName?: string } = {}): Promise<Lone> => {
    const id = `${site.tag}-${name}`;
    const bundle = site.bundle(LONG);
    const { stdout: url } = await callShim(["-id", id, "start"], { cwd: bundle, address: "" });
    const client = await ShimClient.open(url);
    const value = containerd.runc.v1.Options.encode(options).finish();
    const request = { id, bundle, ...NO_IO, options: { typeUrl: "containerd.runc.v1.Options", value } };
    const { pid } = await client.create(request);
    const { shimPid } = await client.connect(id);
    return { id, bundle, socket: url.replace(/^unix:\/\//, ""), client, shim: shimPid, init: pid };
  };
  const end = async ({ shim }: Lone) => await waitUntil("end of the shim", () => !isAlive(shim), LIMIT_MS);

  // All of them wait at the same time.
  let waiting: Lone;
  let other: Lone;
  let nameless: Lone;
  let replaced: Lone;
  let running: Lone;
  let kept: Lone;
  let successor: EventSink;

  before(async function () {
    requireRoot(this);
    site = new Site();
    site.begin();
    running = await make("running");
    await running.client.start(running.id);
    rmSync(running.bundle, { recursive: true });
    running.client.close();

    kept = await make("kept");
    await kept.client.start(kept.id);
    await kept.client.kill(kept.id, 9);
    await kept.client.wait(kept.id);
    kept.client.close();

    waiting = await make("waiting");
    rmSync(waiting.bundle, { recursive: true });
    waiting.client.close();

    other = await make("other", { binaryName: "runc" });
    rmSync(other.bundle, { recursive: true });
    other.client.close();

    nameless = await make("nameless");
    rmSync(`${nameless.bundle}/address`);
    nameless.client.close();

    replaced = await make("replaced");
    successor = new EventSink(`${site.folder}/successor`);
    renameSync(successor.path, replaced.socket);
    replaced.client.close();
  });

  after(async () => {
    try {
      await site.expectNothingLeft();
    } finally {
      await site.close();
    }
  });

  it("removes a task that was never started, and ends, when its bundle is gone", async () => {
    await end(waiting);
    expect(isAlive(waiting.init)).to.equal(false);
    expect(existsSync(waiting.socket)).to.equal(false);
  });

  it("removes the container of another runtime's executable, too", async () => {
    await end(other);
    expect(isAlive(other.init)).to.equal(false);
  });

  it("ends when the address in its bundle is gone, whatever else is left there", async () => {
    await end(nameless);
    expect(isAlive(nameless.init)).to.equal(false);
    expect(existsSync(`${nameless.bundle}/config.json`)).to.equal(true);
  });

  it("leaves its task to the shim that has its socket", async () => {
    await end(replaced);
    expect(isAlive(replaced.init)).to.equal(true);
    expect(existsSync(replaced.socket)).to.equal(true);
    successor[Symbol.dispose]();
    const { bundle, id } = replaced;
    expect(await callShim(["-id", id, "-bundle", bundle, "delete"], { cwd: bundle, address: "" })).to.include({
      status: 0,
    });
    await waitUntil("end of its process", () => !isAlive(replaced.init));
  });

  it("waits for a process that runs, and then removes what is left of it", async () => {
    // The others have ended, and began to wait later.
    expect(isAlive(running.shim)).to.equal(true);
    process.kill(running.init, "SIGKILL");
    await end(running);
  });

  it("keeps a task that has ended while its bundle says where it is", async () => {
    const client = await ShimClient.open(kept.socket);
    expect(await client.delete(kept.id)).to.include({ exitStatus: 137 });
    await client.shutdown(kept.id);
    await end(kept);
  });
});
