import { existsSync, mkdirSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { digestOf } from "../image/digest.ts";
import { openKernel } from "../linux/kernel.ts";
import { listTree } from "../testing/list-tree.ts";
import { refusal } from "../testing/metadata.ts";
import { requireRoot } from "../testing/runtime-site.ts";
import { TemporaryDirectory } from "../testing/temporary-directory.ts";
import { type Finding, fsck } from "./fsck.ts";
import { NO_LABELS } from "./labels.ts";
import { Store } from "./store.ts";

const ONE = { namespace: "one" };
const TEXTS = ["manifest", "kept", "lost", "short", "other"] as const;

/** A store of five blobs, an image, three snapshots on top of each other, and a container; nobody has it open. */
class Site implements Disposable {
  readonly directory = new TemporaryDirectory();
  readonly root = this.directory.at("root");

  open(): Store {
    return Store.open(openKernel(), { root: this.root, warn: () => undefined });
  }

  async fill(): Promise<void> {
    await using store = this.open();
    for (const text of TEXTS) {
      await using writer = await store.content.ingests.openWriter(ONE, { ref: text });
      await writer.write(new TextEncoder().encode(text));
      await writer.commit({ labels: NO_LABELS });
    }
    const target = { mediaType: "m", digest: digestOf("manifest"), size: 8, annotations: NO_LABELS };
    store.images.create("one", { name: "image", target, labels: NO_LABELS });
    const overlay = store.snapshotter("overlayfs");
    for (const [name, parent] of [
      ["A", ""],
      ["B", "A"],
    ] as const) {
      await overlay.prepare(ONE, { key: `k-${name}`, parent, labels: NO_LABELS });
      await overlay.commit(ONE, { key: `k-${name}`, name, labels: NO_LABELS });
    }
    await overlay.view(ONE, { key: "view", parent: "B", labels: NO_LABELS });
  }

  /** The container's snapshot, on top of B. */
  async addContainer(): Promise<void> {
    await using store = this.open();
    await store.snapshotter("overlayfs").prepare(ONE, { key: "c", parent: "B", labels: NO_LABELS });
    store.containers.create("one", {
      ...{ id: "c", image: "image", snapshotter: "overlayfs", snapshotKey: "c", sandbox: "" },
      ...{ runtime: { name: "r" }, spec: { typeUrl: "t", value: new Uint8Array() } },
      ...{ labels: NO_LABELS, extensions: new Map() },
    });
  }

  blob(text: string): string {
    const [algorithm = "", hex = ""] = digestOf(text).split(":");
    return join(this.root, "content/blobs", algorithm, hex);
  }

  path(...names: readonly string[]): string {
    return join(this.root, ...names);
  }

  /** What is found, as short texts. */
  async found(repair: boolean, readAll = true): Promise<readonly string[]> {
    const findings: Finding[] = await Array.fromAsync(fsck(openKernel(), { root: this.root, repair, readAll }));
    return findings.map(({ what, why, outcome }) => `${what}: ${why}: ${outcome}`);
  }

  [Symbol.dispose](): void {
    this.directory[Symbol.dispose]();
  }
}

describe("fsck()", () => {
  before(function () {
    requireRoot(this);
  });

  it("finds nothing in a store that is whole, and changes nothing", async () => {
    using site = new Site();
    await site.fill();
    const list = () => listTree(site.root).filter((line) => !/^(metadata\.db-|lock )/.test(line));
    const before = list();
    expect(await site.found(false)).to.deep.equal([]);
    expect(await site.found(true)).to.deep.equal([]);
    expect(list()).to.deep.equal(before);
  });

  it("finds content that is missing, short or changed, and lets it be fetched again", async () => {
    using site = new Site();
    await site.fill();
    rmSync(site.blob("lost"));
    truncateSync(site.blob("short"), 2);
    rmSync(site.blob("other"));
    writeFileSync(site.blob("other"), "OTHER");
    const found = (outcome: string) =>
      [
        `content ${digestOf("lost")}: its file is missing: ${outcome}`,
        `content ${digestOf("short")}: its file has 2 bytes, recorded are 5: ${outcome}`,
        `content ${digestOf("other")}: the digest of its bytes is ${digestOf("OTHER")}: ${outcome}`,
      ].sort();
    expect((await site.found(false)).toSorted()).to.deep.equal(found("repairable"));
    expect(await site.found(false, false)).to.have.lengthOf(2);
    expect((await site.found(true)).toSorted()).to.deep.equal(found("repaired"));
    expect(await site.found(false)).to.deep.equal([]);
    await using store = site.open();
    const expected = digestOf("other");
    await using writer = await store.content.ingests.openWriter(ONE, { ref: "again", expected });
    await writer.write(new TextEncoder().encode("other"));
    expect(await writer.commit({ labels: NO_LABELS })).to.equal(expected);
  });

  it("finds an image without its content, which is of no use", async () => {
    using site = new Site();
    await site.fill();
    rmSync(site.blob("manifest"));
    const content = `content ${digestOf("manifest")}: its file is missing`;
    expect(await site.found(false)).to.deep.equal([`${content}: repairable`]);
    expect(await site.found(true)).to.deep.equal([
      `${content}: repaired`,
      `image image in namespace one: its content ${digestOf("manifest")} is missing: repaired`,
    ]);
    expect(await site.found(false)).to.deep.equal([]);
  });

  it("finds a snapshot without its directory, and removes it with what stands on it", async () => {
    using site = new Site();
    await site.fill();
    rmSync(site.path("snapshots/overlayfs/1"), { recursive: true });
    const found = "snapshot A of overlayfs in namespace one: its directory is missing";
    expect(await site.found(false)).to.deep.equal([`${found}: repairable`]);
    expect(await site.found(true)).to.deep.equal([`${found}: repaired`]);
    expect(await site.found(false)).to.deep.equal([]);
    expect(existsSync(site.path("snapshots/overlayfs/2"))).to.equal(false);
    await using store = site.open();
    expect([...store.snapshotter("overlayfs").walk("one", [])]).to.deep.equal([]);
  });

  it("touches nothing on which a container has written", async () => {
    using site = new Site();
    await site.fill();
    await site.addContainer();
    rmSync(site.path("snapshots/overlayfs/1"), { recursive: true });
    const found = ["snapshot A of overlayfs in namespace one: its directory is missing: left"];
    expect(await site.found(true)).to.deep.equal(found);
    expect(existsSync(site.path("snapshots/overlayfs/4/fs"))).to.equal(true);
    rmSync(site.path("snapshots/overlayfs/4"), { recursive: true });
    expect(await site.found(true)).to.deep.equal([
      "snapshot A of overlayfs in namespace one: its directory is missing: repaired",
      "container c in namespace one: its snapshot c of overlayfs is missing: left",
    ]);
  });

  it("finds files that no record names, and leaves them alone unless it is to repair", async () => {
    using site = new Site();
    await site.fill();
    writeFileSync(site.blob("orphan"), "orphan");
    writeFileSync(site.path("content/ingests/99"), "bytes");
    mkdirSync(site.path("snapshots/native/77/fs"), { recursive: true });
    const found = (outcome: string) => [
      `content ${digestOf("orphan")}: no record names its file: ${outcome}`,
      `ingest 99: no record names its file: ${outcome}`,
      `directory 77 of native: no record names it: ${outcome}`,
    ];
    expect(await site.found(false)).to.deep.equal(found("repairable"));
    expect(existsSync(site.blob("orphan"))).to.equal(true);
    expect(await site.found(true)).to.deep.equal(found("repaired"));
    expect(await site.found(true)).to.deep.equal([]);
    expect(existsSync(site.blob("orphan"))).to.equal(false);
  });

  it("says of a damaged database that it is damaged", async () => {
    using site = new Site();
    await site.fill();
    writeFileSync(site.path("metadata.db"), "no database at all, but long enough to have a header".repeat(10));
    for (const suffix of ["wal", "shm"]) rmSync(site.path(`metadata.db-${suffix}`), { force: true });
    const [found = ""] = await site.found(true);
    expect(found).to.match(/^metadata\.db: .*\(SQLITE_NOTADB\): left$/);
  });

  it("refuses a store that somebody has open, and a directory that is none", async () => {
    using site = new Site();
    await site.fill();
    {
      await using _store = site.open();
      expect(await refusal(() => site.found(false))).to.match(
        /^failed_precondition: cannot lock .*: process \d+ has it$/,
      );
    }
    const none = Array.fromAsync(fsck(openKernel(), { root: "/nowhere", repair: true, readAll: true }));
    expect(await refusal(() => none)).to.equal("not_found: cannot look at /nowhere: it has no metadata.db");
  });
});
