import { execFileSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { expect } from "chai";
import { openKernel } from "../linux/kernel.ts";
import { dockerArchive } from "../testing/images.ts";
import { chunksOf, tarEntry } from "../testing/layers.ts";
import { refusal } from "../testing/metadata.ts";
import { requireRoot } from "../testing/runtime-site.ts";
import { TemporaryDirectory } from "../testing/temporary-directory.ts";
import { importArchive } from "./images/import.ts";
import { unpackManifest } from "./images/unpack.ts";
import { NO_LABELS } from "./labels.ts";
import { Store } from "./store.ts";

const ONE = { namespace: "one" };

/** A store on a filesystem of 5 MiB. */
class SmallSite implements AsyncDisposable {
  readonly directory = new TemporaryDirectory();
  readonly disk = this.directory.at("disk");
  readonly store: Store;

  constructor() {
    mkdirSync(this.disk);
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=5m", "tmpfs", this.disk]);
    this.store = Store.open(openKernel(), { root: `${this.disk}/root`, warn: () => undefined });
  }

  async fill(ref: string): Promise<string> {
    return await refusal(async () => {
      await using writer = await this.store.content.ingests.openWriter(ONE, { ref });
      for (let parts = 0; parts < 20; parts++) await writer.write(new Uint8Array(500_000));
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.store.close();
    execFileSync("umount", [this.disk]);
    this.directory[Symbol.dispose]();
  }
}

describe("a full disk", () => {
  before(function () {
    requireRoot(this);
  });

  it("is told by its code, and deletions make room again", async () => {
    await using site = new SmallSite();
    const { store } = site;
    expect(await site.fill("a")).to.match(/^resource_exhausted: cannot write ref a/);
    const labels = new Map([["k", "v".repeat(4000)]]);
    const create = (n: number) => store.namespaces.create({ name: `n${n}`, labels });
    const refusals = await Promise.all(Array.from({ length: 30 }, (_, n) => refusal(() => create(n))));
    expect(refusals.at(-1)).to.match(/^resource_exhausted: cannot write metadata: .*SQLITE_FULL/);
    expect(await site.fill("b")).to.match(/^resource_exhausted: /);
    store.content.ingests.abort("one", "a");
    store.namespaces.create({ name: "again", labels: NO_LABELS });
    expect(await site.fill("a")).to.match(/^resource_exhausted: /);
    store.content.ingests.abort("one", "a");
    expect(await Array.fromAsync(store.check({ readAll: true }))).to.deep.equal([]);
  });

  it("ends the unpacking of an image and leaves nothing of it", async () => {
    await using site = new SmallSite();
    const { store } = site;
    const files = [[tarEntry("a"), "x".repeat(1_500_000)] as const, [tarEntry("b"), "y".repeat(200_000)] as const];
    const { images } = await importArchive(store.content, ONE, chunksOf(dockerArchive("web:1", files)));
    const [image] = images;
    if (image === undefined) throw new Error("no image");
    const filler = "z".repeat(1_000_000);
    await store.snapshotter("native").prepare(ONE, { key: "k", parent: "", labels: NO_LABELS });
    await Bun.write(`${store.snapshotter("native").mounts("one", "k")[0]?.source}/f`, filler);
    const snapshots = store.snapshotter("overlayfs");
    const parts = { kernel: store.kernel, content: store.content, snapshots };
    expect(await refusal(() => unpackManifest(parts, ONE, image.target))).to.match(
      /^resource_exhausted: cannot unpack file "a"/,
    );
    await store.idle();
    expect([...snapshots.walk("one", [])]).to.deep.equal([]);
    store.snapshotter("native").remove("one", "k");
    await store.idle();
    expect(await unpackManifest(parts, ONE, image.target)).to.match(/^sha256:/);
  });
});
