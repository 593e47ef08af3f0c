import { readdirSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { openKernel } from "../linux/kernel.ts";
import { requireRoot } from "../testing/runtime-site.ts";
import { TemporaryDirectory } from "../testing/temporary-directory.ts";
import { readReferences } from "./images/read-documents.ts";
import { Store } from "./store.ts";

const DRIVER = join(import.meta.dirname, "../testing/store-kill-driver.ts");
const NAMESPACE = "one";

/** When the process dies: in place of its N-th call to the kernel, or in its N-th change of metadata. */
interface Moment {
  readonly kind: "clock" | "kernel";
  readonly count: number;
}

/** Works on a store until it is killed. Returns the image that was acknowledged last, unless its deletion had begun. */
async function workUntilKilled(root: string, { kind, count }: Moment): Promise<string | undefined> {
  const driver = Bun.spawn([process.execPath, DRIVER, root, kind, String(count)], { stdout: "pipe", stderr: "pipe" });
  const [out, error] = await Promise.all([driver.stdout.text(), driver.stderr.text(), driver.exited]);
  expect([driver.signalCode, error]).to.deep.equal(["SIGKILL", ""]);
  const lines = out.trim().split("\n");
  const last = lines.findLast((line) => line.startsWith("image "))?.slice("image ".length);
  return last !== undefined && lines.includes(`gone ${last}`) ? undefined : last;
}

/** What is wrong with a store after a crash. */
async function faultsOf(store: Store, image: string | undefined): Promise<readonly string[]> {
  const faults: string[] = [];
  for await (const { what, why } of store.check({ readAll: true })) faults.push(`${what}: ${why}`);
  if (image !== undefined) {
    const { target } = store.images.get(NAMESPACE, image);
    const { config, layers } = await readReferences(store.content.blobs, NAMESPACE, target);
    for (const each of config === undefined ? layers : [config, ...layers])
      store.content.blobs.info(NAMESPACE, each.digest);
    const labels = store.content.blobs.info(NAMESPACE, config?.digest ?? "").labels;
    const held = [...store.snapshotters].flatMap(([name, snapshots]) => {
      const last = labels.get(`containerd.io/gc.ref.snapshot.${name}`);
      return last === undefined ? [] : [snapshots.stat(NAMESPACE, last)];
    });
    if (held.length !== 1) faults.push(`${image} has no snapshot`);
  }
  for (const { ref } of store.content.ingests.list(NAMESPACE, [])) {
    await using writer = await store.content.ingests.openWriter({ namespace: NAMESPACE }, { ref });
    await writer.truncate(0);
    await writer.close();
    store.content.ingests.abort(NAMESPACE, ref);
  }
  return faults;
}

/** Lets go of all and collects: files that are still there belong to nobody. */
async function leftovers(store: Store, root: string): Promise<readonly string[]> {
  for (const { id } of store.leases.list(NAMESPACE, [])) store.leases.delete(NAMESPACE, id);
  for (const { name } of store.images.list(NAMESPACE, [])) store.images.delete(NAMESPACE, name);
  store.collector.collect();
  await store.idle();
  return ["content/blobs/sha256", "content/ingests", "snapshots/overlayfs", "snapshots/native"].flatMap((directory) =>
    readdirSync(join(root, directory)).map((name) => `${directory}/${name}`),
  );
}

describe("a store whose process is killed", () => {
  before(function () {
    requireRoot(this);
  });

  for (const [kind, stride, end] of [
    ["clock", 1, 30],
    ["kernel", 97, 1400],
  ] as const) {
    it(`at a moment of its ${kind}: has all that was acknowledged, and nothing that belongs to nobody`, async function () {
      this.timeout(120_000);
      using directory = new TemporaryDirectory();
      const root = directory.at("root");
      const faults: string[] = [];
      let acknowledged = 0;
      for (let count = 1; count < end; count += stride) {
        const image = await workUntilKilled(root, { kind, count });
        acknowledged += image === undefined ? 0 : 1;
        await using store = Store.open(openKernel(), { root, warn: (error) => faults.push(String(error)) });
        faults.push(...(await faultsOf(store, image)).map((fault) => `after ${count}: ${fault}`));
        const left = count % 3 === 0 ? await leftovers(store, root) : [];
        faults.push(...left.map((path) => `after ${count}: ${path} is left`));
      }
      expect(faults).to.deep.equal([]);
      expect(acknowledged).to.be.greaterThan(0);
    });
  }
});
