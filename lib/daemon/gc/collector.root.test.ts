import { readdirSync, writeFileSync } from "node:fs";
import { expect } from "chai";
import { digestOf } from "../../image/digest.ts";
import { openKernel } from "../../linux/kernel.ts";
import { refusal } from "../../testing/metadata.ts";
import { requireRoot } from "../../testing/runtime-site.ts";
import { TemporaryDirectory } from "../../testing/temporary-directory.ts";
import { NO_LABELS } from "../labels.ts";
import type { Scope } from "../names.ts";
import { Store } from "../store.ts";
import { node } from "./references.ts";

const NS = "one";
const ONE: Scope = { namespace: NS };
const labels = (entries: Record<string, string>) => new Map(Object.entries(entries));
const HOUR_NS = 3_600_000_000_000n;

class Site implements AsyncDisposable {
  readonly directory = new TemporaryDirectory();
  readonly warnings: unknown[] = [];
  now = 1_700_000_000_000_000_000n;
  readonly store = Store.open(openKernel(), {
    root: this.directory.at("root"),
    warn: (error) => this.warnings.push(error),
    clock: () => ++this.now,
  });

  async put(text: string, entries: Record<string, string> = {}, scope = ONE): Promise<string> {
    await using writer = await this.store.content.ingests.openWriter(scope, { ref: text });
    await writer.write(new TextEncoder().encode(text));
    return await writer.commit({ labels: labels(entries) });
  }

  /** A time from now, as labels have it. */
  at(fromNowNs: bigint): string {
    return new Date(Number((this.now + fromNowNs) / 1_000_000n)).toISOString();
  }

  image(name: string, digest: string, entries: Record<string, string> = {}): void {
    const target = { mediaType: "m", digest, size: 1, annotations: NO_LABELS };
    this.store.images.create(NS, { name, target, labels: labels(entries) });
  }

  async snapshot(name: string, parent = "", entries: Record<string, string> = {}, scope = ONE): Promise<void> {
    const overlay = this.store.snapshotter("overlayfs");
    await overlay.prepare(scope, { key: `k-${name}`, parent, labels: NO_LABELS });
    await overlay.commit(scope, { key: `k-${name}`, name, labels: labels(entries) });
  }

  /** What is left, by the texts of blobs and the names of snapshots. */
  left(): string {
    const texts = [...this.store.content.blobs.walk(NS, [])].map(({ digest }) => this.#texts.get(digest) ?? digest);
    const snapshots = [...this.store.snapshotter("overlayfs").walk(NS, [])].map(({ name }) => name);
    return [...texts, ...snapshots].sort().join(" ");
  }

  /** A client writes a blob, or takes another's, under a lease, and finds it there as long as the lease is. */
  async faultsOfClient(id: number, round: number): Promise<readonly string[]> {
    const { leases, content } = this.store;
    const scope = { namespace: id % 2 === 0 ? NS : "two", lease: `${id}-${round}` };
    const text = `blob ${(id + round) % 4}`;
    const expected = digestOf(text);
    leases.create(scope.namespace, { id: scope.lease, labels: NO_LABELS });
    const written = await refusal(async () => {
      const options = { ref: `${id}`, ...(round % 2 === 0 ? {} : { expected }) };
      await using writer = await content.ingests.openWriter(scope, options);
      if (writer.offset === 0) await writer.write(new TextEncoder().encode(text));
      await writer.commit();
    });
    await new Promise((resolve) => setImmediate(resolve));
    const read = await refusal(async () => {
      await using reader = await content.blobs.openReader(scope.namespace, expected);
      expect(Buffer.from(await reader.bytes(100)).toString()).to.equal(text);
    });
    leases.delete(scope.namespace, scope.lease);
    return [written, read].filter((each) => !/^none: |^already_exists: /.test(each));
  }

  readonly #texts = new Map("abcdefgh".split("").map((text) => [digestOf(text), text] as const));

  async [Symbol.asyncDispose](): Promise<void> {
    await this.store.close();
    expect(this.warnings).to.deep.equal([]);
    this.directory[Symbol.dispose]();
  }
}

describe("Collector", () => {
  before(function () {
    requireRoot(this);
  });

  it("keeps what images, containers and labels lead to, and removes the rest with its files", async () => {
    await using site = new Site();
    const { store } = site;
    const [a, b, c] = [await site.put("a"), await site.put("b"), await site.put("c")];
    await site.put("d", { "containerd.io/gc.root": "now" });
    await site.snapshot("S1");
    await site.snapshot("S2", "S1");
    await site.snapshot("S3", "S1");
    await site.snapshot("S4", "", { "containerd.io/gc.root": "now" });
    const e = await site.put("e", {
      ...{ "containerd.io/gc.ref.content.config": a, "containerd.io/gc.ref.content.l.0": b },
      ...{ "containerd.io/gc.ref.content.m.0/x": digestOf("nowhere"), "containerd.io/gc.ref.contents": c },
    });
    store.content.blobs.update(
      NS,
      { digest: a, labels: labels({ "containerd.io/gc.ref.snapshot.overlayfs": "S2" }) },
      [],
    );
    site.image("web", e);
    await store.snapshotter("overlayfs").prepare(ONE, { key: "box", parent: "S3", labels: NO_LABELS });
    await store.snapshotter("overlayfs").prepare(ONE, { key: "lost", parent: "S2", labels: NO_LABELS });
    store.containers.create(NS, {
      ...{ id: "box", image: "web", runtime: { name: "r" }, spec: { typeUrl: "t", value: new Uint8Array() } },
      ...{ snapshotter: "overlayfs", snapshotKey: "box", sandbox: "", labels: NO_LABELS, extensions: new Map() },
    });
    const collected = store.collector.collect();
    expect(site.left()).to.equal("S1 S2 S3 S4 a b box d e");
    expect(collected.blobs).to.deep.equal([{ namespace: NS, name: c }]);
    expect(collected.snapshots).to.deep.equal([{ namespace: NS, name: "lost", snapshotter: "overlayfs" }]);
    expect(store.content.files.findSize(c)).to.equal(undefined);
    await store.idle();
    expect(readdirSync(site.directory.at("root/snapshots/overlayfs"))).to.have.length(5);
    store.images.delete(NS, "web");
    store.containers.delete(NS, "box");
    store.collector.collect();
    expect(site.left()).to.equal("S4 d");
    await store.idle();
    expect(readdirSync(site.directory.at("root/snapshots/overlayfs"))).to.have.length(1);
  });

  it("keeps what leases hold until they are deleted or expire, with what that refers to unless they are flat", async () => {
    await using site = new Site();
    const { leases, collector } = site.store;
    const b = await site.put("b", { "containerd.io/gc.root": "x" });
    const at = (ns: bigint) => new Date(Number(ns / 1_000_000n)).toISOString();
    leases.create(NS, { id: "full", labels: NO_LABELS });
    leases.create(NS, { id: "flat", labels: labels({ "containerd.io/gc.flat": "true" }) });
    leases.create(NS, { id: "short", labels: labels({ "containerd.io/gc.expire": at(site.now + HOUR_NS) }) });
    leases.create(NS, { id: "mount", labels: labels({ "containerd.io/gc.ref.snapshot.overlayfs": "S2" }) });
    site.store.content.blobs.update(NS, { digest: b, labels: NO_LABELS }, []);
    await site.put("a", { "containerd.io/gc.ref.content": b }, { namespace: NS, lease: "full" });
    await site.put("d");
    await site.put("c", { "containerd.io/gc.ref.content": digestOf("d") }, { namespace: NS, lease: "flat" });
    await site.put("e", {}, { namespace: NS, lease: "short" });
    await site.snapshot("S1", "", {}, { namespace: NS, lease: "flat" });
    await site.snapshot("S2", "S1", {});
    await site.snapshot(
      "S3",
      "S1",
      { "containerd.io/gc.ref.content": digestOf("d") },
      { namespace: NS, lease: "flat" },
    );
    collector.collect();
    expect(site.left()).to.equal("S1 S2 S3 a b c e");
    leases.delete(NS, "full");
    site.now += 2n * HOUR_NS;
    expect(collector.collect().leases).to.deep.equal([{ namespace: NS, name: "short" }]);
    expect(site.left()).to.equal("S1 S2 S3 c");
    leases.delete(NS, "flat");
    collector.collect();
    expect(site.left()).to.equal("S1 S2");
    leases.delete(NS, "mount");
    collector.collect();
    expect(site.left()).to.equal("");
  });

  it("keeps ingests that are open, leased or young", async () => {
    await using site = new Site();
    const { content, leases, collector } = site.store;
    leases.create(NS, { id: "l", labels: NO_LABELS });
    const open = await content.ingests.openWriter(ONE, { ref: "open" });
    await (await content.ingests.openWriter(ONE, { ref: "young" })).close();
    await (await content.ingests.openWriter({ namespace: NS, lease: "l" }, { ref: "leased" })).close();
    const refs = () => content.ingests.list(NS, []).map(({ ref }) => ref);
    collector.collect();
    expect(refs()).to.deep.equal(["leased", "open", "young"]);
    site.now += 25n * HOUR_NS;
    collector.collect();
    expect(refs()).to.deep.equal(["leased", "open"]);
    leases.delete(NS, "l");
    collector.collect();
    expect(refs()).to.deep.equal(["open"]);
    await open.close();
    collector.collect();
    expect(refs()).to.deep.equal([]);
    expect(readdirSync(site.directory.at("root/content/ingests"))).to.deep.equal([]);
  });

  it("follows references back, and ends images that say so", async () => {
    await using site = new Site();
    const a = await site.put("a");
    await site.put("b", { "containerd.io/gc.bref.image.x": "web", "containerd.io/gc.bref.content": digestOf("h") });
    const expire = new Date(Number((site.now + HOUR_NS) / 1_000_000n)).toISOString();
    site.image("web", a, { "containerd.io/gc.expire": expire });
    site.store.collector.collect();
    expect(site.left()).to.equal("a b");
    site.now += 2n * HOUR_NS;
    expect(site.store.collector.collect().images).to.deep.equal([{ namespace: NS, name: "web" }]);
    expect(site.left()).to.equal("");
  });

  it("keeps an image that has expired as long as something else needs it, by reference or by a flat lease", async () => {
    await using site = new Site();
    const { leases, images, collector } = site.store;
    const expire = { "containerd.io/gc.expire": site.at(-HOUR_NS) };
    const b = await site.put("b");
    const a = await site.put("a", { "containerd.io/gc.ref.content": b });
    const c = await site.put("c", { "containerd.io/gc.ref.content": b });
    site.image("flat", a, { ...expire, "containerd.io/gc.ref.content.x": await site.put("d") });
    site.image("needed", c, expire);
    site.image("needing", await site.put("e"), { "containerd.io/gc.ref.image": "needed" });
    site.image("unneeded", await site.put("f"), expire);
    leases.create(NS, { id: "l", labels: labels({ "containerd.io/gc.flat": "1" }) });
    leases.addResource(NS, "l", { type: "images", id: "flat" });
    expect(collector.collect().images).to.deep.equal([{ namespace: NS, name: "unneeded" }]);
    // Of what is held flatly its content is kept, and not what that needs.
    expect(site.left()).to.equal("a b c e");
    images.delete(NS, "needing");
    leases.delete(NS, "l");
    expect(collector.collect().images.map(({ name }) => name)).to.deep.equal(["flat", "needed"]);
    expect(site.left()).to.equal("");
  });

  it("keeps blobs and snapshots until the time that they say, and what sandboxes refer to", async () => {
    await using site = new Site();
    const { collector, sandboxes } = site.store;
    const soon = { "containerd.io/gc.expire": site.at(HOUR_NS) };
    const b = await site.put("b");
    await site.put("a", { ...soon, "containerd.io/gc.ref.content": b });
    await site.put("c", { "containerd.io/gc.expire": "2999-01-01" });
    await site.put("d", { "containerd.io/gc.expire": site.at(-HOUR_NS) });
    await site.put("e", { "containerd.io/gc.root.why": "x" });
    await site.snapshot("S1", "", soon);
    await site.snapshot("S2");
    sandboxes.create(NS, {
      ...{ id: "pod", runtime: { name: "r" }, spec: undefined, sandboxer: "", extensions: new Map() },
      labels: labels({ "containerd.io/gc.ref.snapshot.overlayfs": "S2" }),
    });
    collector.collect();
    expect(site.left()).to.equal("S1 S2 a b e");
    site.now += 2n * HOUR_NS;
    sandboxes.delete(NS, "pod");
    collector.collect();
    expect(site.left()).to.equal("e");
  });

  it("does not take for a time what is none", async () => {
    await using site = new Site();
    for (const time of ["2001", "2001-01-01", "yesterday", "Mon, 01 Jan 2001 00:00:00 GMT", "2001-01-01T00:00:00"]) {
      site.store.leases.create(NS, { id: time, labels: labels({ "containerd.io/gc.expire": time }) });
    }
    expect(site.store.collector.collect().leases).to.deep.equal([]);
  });

  it("keeps a snapshot as long as the condition of an image or a blob holds", async () => {
    await using site = new Site();
    const { collector, images } = site.store;
    const used = { "containerd.io/gc.cond.value-usedat": site.at(0n) };
    for (const name of ["S1", "S2", "S3", "S5"]) await site.snapshot(name, "", used);
    await site.snapshot("S4");
    const condition = (value: string, suffix = "overlayfs") => ({
      [`containerd.io/gc.cond.snapshot.${suffix}`]: value,
    });
    const a = await site.put("a", condition("usedat<90m|S2"));
    site.image("web", a, {
      ...condition("unknown=1,usedat<1h30m|S1"),
      ...condition("usedat>2h|S3", "overlayfs/later"),
      ...condition("usedat<99h|S4", "overlayfs/without-a-value"),
      ...condition("usedat<=99h|S5", "overlayfs/no-such-operator"),
      ...condition("usedat<soon|S5", "overlayfs/no-duration"),
    });
    await site.snapshot("S6", "", { ...used, "containerd.io/gc.root": "x" });
    collector.collect();
    expect(site.left()).to.equal("S1 S2 S6 a");
    await site.snapshot("S3", "", used);
    site.now += 3n * HOUR_NS;
    collector.collect();
    expect(site.left()).to.equal("S3 S6 a");
    images.delete(NS, "web");
    collector.collect();
    expect(site.left()).to.equal("S6");
  });

  it("keeps namespaces apart, and files that another one has", async () => {
    await using site = new Site();
    const { store } = site;
    const a = await site.put("a");
    await site.put("a", {}, { namespace: "two" });
    site.image("web", a);
    store.collector.collect();
    expect(store.content.blobs.find("two", a)).to.equal(undefined);
    expect(store.content.files.findSize(a)).to.equal(1);
  });

  it("explains what keeps something", async () => {
    await using site = new Site();
    const a = await site.put("a");
    const e = await site.put("e", { "containerd.io/gc.ref.content.l.0": a });
    site.image("web", e);
    const { collector } = site.store;
    expect(collector.explain(node("content", NS, a))).to.deep.equal([
      "image web in namespace one",
      `content ${e} in namespace one`,
      `content ${a} in namespace one`,
    ]);
    expect(collector.explain(node("content", NS, digestOf("x")))).to.deep.equal([]);
  });

  it("never removes what a lease holds while others write, share and let go", async () => {
    await using site = new Site();
    const { collector, content } = site.store;
    const faults: string[] = [];
    let isOver = false;
    const client = async (id: number) => {
      for (let round = 0; round < 15; round++) faults.push(...(await site.faultsOfClient(id, round)));
    };
    const collecting = (async () => {
      while (!isOver) {
        collector.collect();
        await new Promise((resolve) => setImmediate(resolve));
      }
    })();
    await Promise.all(Array.from({ length: 6 }, (_, id) => client(id)));
    isOver = true;
    await collecting;
    collector.collect();
    expect(faults).to.deep.equal([]);
    expect([...content.files.list()]).to.deep.equal([]);
  });
});

describe("Store", () => {
  before(function () {
    requireRoot(this);
  });

  it("belongs to one process", async () => {
    await using site = new Site();
    const root = site.directory.at("root");
    const open = () => Store.open(openKernel(), { root, warn: () => undefined });
    expect(await refusal(open)).to.equal(
      `failed_precondition: cannot lock ${root}/lock: process ${process.pid} has it`,
    );
  });

  it("is there again, and finds what is damaged", async () => {
    using directory = new TemporaryDirectory();
    const options = { root: directory.at("root"), warn: () => undefined };
    const digest = digestOf("a");
    {
      await using store = Store.open(openKernel(), options);
      await using writer = await store.content.ingests.openWriter(ONE, { ref: "r" });
      await writer.write(new TextEncoder().encode("a"));
      await writer.commit();
    }
    await using store = Store.open(openKernel(), options);
    expect(store.content.blobs.info(NS, digest).size).to.equal(1);
    expect(await Array.fromAsync(store.check({ readAll: true }))).to.deep.equal([]);
    writeFileSync(store.content.files.path(digest), "b");
    const found = await Array.fromAsync(store.check({ readAll: true }), ({ what, why }) => ({ what, why }));
    expect(found).to.deep.equal([{ what: `content ${digest}`, why: `the digest of its bytes is ${digestOf("b")}` }]);
    expect(await refusal(() => store.snapshotter("zfs"))).to.equal(
      'invalid_argument: there is no snapshotter "zfs": must be one of overlayfs, native',
    );
  });
});
