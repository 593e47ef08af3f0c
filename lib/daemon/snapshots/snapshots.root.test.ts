import { execFileSync } from "node:child_process";
import { chownSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { expect } from "chai";
import { openKernel } from "../../linux/kernel.ts";
import { listTree } from "../../testing/list-tree.ts";
import { memoryStores, refusal } from "../../testing/metadata.ts";
import { requireRoot } from "../../testing/runtime-site.ts";
import { TemporaryDirectory } from "../../testing/temporary-directory.ts";
import { Background } from "../background.ts";
import { NO_LABELS } from "../labels.ts";
import type { Mount } from "./driver.ts";
import { nativeDriver } from "./native.ts";
import { snapshotNumbers } from "./numbers.ts";
import { overlayDriver } from "./overlay.ts";
import { SnapshotStore } from "./snapshot-store.ts";

const ONE = { namespace: "one" };
const labels = (entries: Record<string, string>) => new Map(Object.entries(entries));

class Site implements Disposable {
  readonly directory = new TemporaryDirectory();
  readonly stores = memoryStores();
  readonly warnings: unknown[] = [];
  readonly background = new Background((error) => this.warnings.push(error));
  overlay: SnapshotStore;
  native: SnapshotStore;

  constructor() {
    [this.overlay, this.native] = this.open();
  }

  open(): [SnapshotStore, SnapshotStore] {
    const kernel = openKernel();
    const overlay = overlayDriver(kernel, { root: this.directory.at("overlayfs") });
    const native = nativeDriver(kernel, { root: this.directory.at("native") });
    const nextNumber = snapshotNumbers(this.stores.database, [overlay, native]);
    const parts = { ...this.stores, background: this.background, nextNumber };
    return [new SnapshotStore({ ...parts, driver: overlay }), new SnapshotStore({ ...parts, driver: native })];
  }

  /** A committed snapshot with what `fill` writes. */
  async layer(store: SnapshotStore, name: string, parent: string, fill: (directory: string) => void): Promise<void> {
    const key = `extract-${name}`;
    fill(rootOf(await store.prepare(ONE, { key, parent, labels: NO_LABELS })));
    await store.commit(ONE, { key, name, labels: NO_LABELS });
  }

  [Symbol.dispose](): void {
    this.stores.database.close();
    this.directory[Symbol.dispose]();
  }
}

/** Where writes to a snapshot end up. */
function rootOf([mount]: readonly Mount[]): string {
  const upper = mount?.options.find((option) => option.startsWith("upperdir="));
  return upper?.slice("upperdir=".length) ?? mount?.source ?? "";
}

/** Mounts a snapshot as a client does, for as long as `work` takes. */
function withMounted(mounts: readonly Mount[], work: (directory: string) => void): void {
  using directory = new TemporaryDirectory();
  const target = directory.at("target");
  mkdirSync(target);
  for (const { type, source, options } of mounts) {
    execFileSync("mount", ["-t", type, "-o", options.join(","), source, target]);
  }
  try {
    work(target);
  } finally {
    execFileSync("umount", [target]);
  }
}

describe("SnapshotStore", () => {
  before(function () {
    requireRoot(this);
  });

  it("tells the mounts of overlayfs in containerd's words", async () => {
    using site = new Site();
    const at = (number: number, name: string) => site.directory.at("overlayfs", String(number), name);
    const { overlay } = site;
    const index = existsSync("/sys/module/overlay/parameters/index") ? ["index=off"] : [];
    expect(await overlay.prepare(ONE, { key: "a", parent: "", labels: NO_LABELS })).to.deep.equal([
      { type: "bind", source: at(1, "fs"), options: ["rw", "rbind"] },
    ]);
    await overlay.commit(ONE, { key: "a", name: "A", labels: NO_LABELS });
    const upper = (number: number) => [`workdir=${at(number, "work")}`, `upperdir=${at(number, "fs")}`];
    expect(await overlay.prepare(ONE, { key: "b", parent: "A", labels: NO_LABELS })).to.deep.equal([
      { type: "overlay", source: "overlay", options: [...index, ...upper(2), `lowerdir=${at(1, "fs")}`] },
    ]);
    await overlay.commit(ONE, { key: "b", name: "B", labels: NO_LABELS });
    await overlay.prepare(ONE, { key: "c", parent: "B", labels: NO_LABELS });
    const lower = `lowerdir=${at(2, "fs")}:${at(1, "fs")}`;
    expect(overlay.mounts("one", "c")).to.deep.equal([
      { type: "overlay", source: "overlay", options: [...index, ...upper(3), lower] },
    ]);
    expect(await overlay.view(ONE, { key: "v", parent: "B", labels: NO_LABELS })).to.deep.equal([
      { type: "overlay", source: "overlay", options: [...index, lower] },
    ]);
    expect(await overlay.view(ONE, { key: "w", parent: "A", labels: NO_LABELS })).to.deep.equal([
      { type: "bind", source: at(1, "fs"), options: ["ro", "rbind"] },
    ]);
    expect(await overlay.view(ONE, { key: "x", parent: "", labels: NO_LABELS })).to.deep.equal([
      { type: "bind", source: at(6, "fs"), options: ["ro", "rbind"] },
    ]);
    expect(readdirSync(at(4, ""))).to.deep.equal(["fs"]);
  });

  for (const name of ["overlay", "native"] as const) {
    it(`${name}: what is mounted is the layers on top of each other`, async () => {
      using site = new Site();
      const store = site[name];
      await site.layer(store, "A", "", (directory) => writeFileSync(`${directory}/a`, "1"));
      await site.layer(store, "B", "A", (directory) => writeFileSync(`${directory}/b`, "2"));
      const active = await store.prepare(ONE, { key: "c", parent: "B", labels: NO_LABELS });
      withMounted(active, (directory) => {
        writeFileSync(`${directory}/a`, "changed");
        rmSync(`${directory}/b`);
        writeFileSync(`${directory}/c`, "3");
      });
      const view = await store.view(ONE, { key: "v", parent: "B", labels: NO_LABELS });
      withMounted(view, (directory) => {
        expect(readdirSync(directory).sort()).to.deep.equal(["a", "b"]);
        expect(readFileSync(`${directory}/a`, "utf8")).to.equal("1");
        expect(() => writeFileSync(`${directory}/d`, "")).to.throw("EROFS");
      });
      await store.commit(ONE, { key: "c", name: "C", labels: NO_LABELS });
      withMounted(await store.view(ONE, { key: "w", parent: "C", labels: NO_LABELS }), (directory) => {
        expect(readdirSync(directory).sort()).to.deep.equal(["a", "c"]);
        expect(readFileSync(`${directory}/a`, "utf8")).to.equal("changed");
      });
    });
  }

  it("gives a snapshot the owner of its parent's root", async () => {
    using site = new Site();
    await site.layer(site.overlay, "A", "", (directory) => chownSync(directory, 5, 6));
    const root = rootOf(await site.overlay.prepare(ONE, { key: "b", parent: "A", labels: NO_LABELS }));
    const { uid, gid, mode } = statSync(root);
    expect({ uid, gid, mode: mode % 0o1000 }).to.deep.equal({ uid: 5, gid: 6, mode: 0o755 });
  });

  it("native: the copy is the same tree", async () => {
    using site = new Site();
    const fill = "mkdir -m 700 d; echo x >d/f; ln d/f g; ln -s /x l; chown 3:4 d; touch -d @1 d/f d";
    let first = "";
    await site.layer(site.native, "A", "", (directory) => {
      execFileSync("sh", ["-ec", fill], { cwd: directory });
      first = directory;
    });
    const second = rootOf(await site.native.prepare(ONE, { key: "b", parent: "A", labels: NO_LABELS }));
    expect(listTree(second)).to.deep.equal(listTree(first));
  });

  it("knows kinds, parents, labels and usage", async () => {
    using site = new Site();
    const { overlay } = site;
    await site.layer(overlay, "A", "", (directory) => writeFileSync(`${directory}/a`, "x".repeat(10_000)));
    await overlay.prepare(ONE, { key: "b", parent: "A", labels: labels({ x: "1", empty: "" }) });
    const info = overlay.stat("one", "b");
    expect(info).to.deep.include({ name: "b", parent: "A", kind: "active", labels: labels({ x: "1" }) });
    expect(overlay.stat("one", "A")).to.deep.include({ name: "A", parent: "", kind: "committed" });
    expect(await overlay.usage("one", "A")).to.deep.equal({ size: 4096 + 12_288, inodes: 2 });
    expect(await overlay.usage("one", "b")).to.deep.equal({ size: 4096, inodes: 1 });
    const update = { name: "b", labels: labels({ y: "2" }) };
    expect(overlay.update("one", update, ["labels.y"]).labels).to.deep.equal(labels({ x: "1", y: "2" }));
    const names = (...filters: string[]) => [...overlay.walk("one", filters)].map((each) => each.name);
    expect(names()).to.deep.equal(["A", "b"]);
    expect(names("kind==active")).to.deep.equal(["b"]);
    expect(names("parent==A,labels.y==2")).to.deep.equal(["b"]);
    expect(names("name~=/^A$/", "kind==view")).to.deep.equal(["A"]);
    expect([...site.native.walk("one", [])]).to.deep.equal([]);
    expect([...overlay.walk("two", [])]).to.deep.equal([]);
  });

  it("refuses", async () => {
    using site = new Site();
    const { overlay } = site;
    await site.layer(overlay, "A", "", () => undefined);
    const make = (key: string, parent: string) => overlay.prepare(ONE, { key, parent, labels: NO_LABELS });
    await make("b", "A");
    await overlay.view(ONE, { key: "v", parent: "A", labels: NO_LABELS });
    const commit = (key: string, name: string) => overlay.commit(ONE, { key, name, labels: NO_LABELS });
    for (const [work, text] of [
      [() => make("b", "A"), 'already_exists: snapshot "b": already exists'],
      [() => make("A", ""), 'already_exists: snapshot "A": already exists'],
      [() => make("c", "x"), "not_found: parent snapshot x does not exist: not found"],
      [() => make("c", "b"), 'invalid_argument: parent "b" is not a committed snapshot'],
      [() => make("", ""), "invalid_argument: cannot make a snapshot without a key"],
      [() => overlay.stat("two", "A"), "not_found: snapshot A does not exist: not found"],
      [() => overlay.mounts("one", "A"), /^failed_precondition: cannot mount snapshot A: .* it is committed$/],
      [() => commit("b", "A"), 'already_exists: snapshot "A": already exists'],
      [() => commit("v", "V"), /^failed_precondition: cannot commit snapshot v: it must be active: it is a view$/],
      [() => commit("A", "V"), /^failed_precondition: .* it is committed$/],
      [() => commit("x", "V"), "not_found: snapshot x does not exist: not found"],
      [() => overlay.remove("one", "A"), "failed_precondition: cannot remove snapshot A: it has children"],
      [() => overlay.remove("one", "x"), "not_found: snapshot x does not exist: not found"],
      [() => overlay.update("one", { name: "b", labels: NO_LABELS }, ["kind"]), /^invalid_argument: cannot update/],
    ] as const) {
      expect(await refusal(work)).to.match(typeof text === "string" ? new RegExp(`^${text}$`) : text);
    }
  });

  it("lets one of many have a name", async () => {
    using site = new Site();
    const make = () => site.native.prepare(ONE, { key: "a", parent: "", labels: NO_LABELS });
    const results = await Promise.allSettled([make(), make(), make()]);
    expect(results.map((each) => each.status)).to.deep.equal(["fulfilled", "rejected", "rejected"]);
    const commit = (name: string) => site.native.commit(ONE, { key: "a", name, labels: NO_LABELS });
    const commits = await Promise.allSettled([commit("A"), commit("B"), commit("A")]);
    expect(commits.map((each) => each.status)).to.deep.equal(["fulfilled", "rejected", "rejected"]);
  });

  it("moves the hold of leases with the name", async () => {
    using site = new Site();
    const { leases } = site.stores;
    leases.create("one", { id: "l", labels: NO_LABELS });
    const scope = { namespace: "one", lease: "l" };
    await site.overlay.prepare(scope, { key: "a", parent: "", labels: NO_LABELS });
    expect(leases.listResources("one", "l")).to.deep.equal([{ type: "snapshots/overlayfs", id: "a" }]);
    await site.overlay.commit(scope, { key: "a", name: "A", labels: NO_LABELS });
    expect(leases.listResources("one", "l")).to.deep.equal([{ type: "snapshots/overlayfs", id: "A" }]);
    site.overlay.remove("one", "A");
    expect(leases.listResources("one", "l")).to.deep.equal([]);
  });

  it("removes files, leftovers of a crash too, and never gives a number again", async () => {
    using site = new Site();
    await site.layer(site.overlay, "A", "", (directory) => writeFileSync(`${directory}/a`, ""));
    site.overlay.remove("one", "A");
    await site.background.idle();
    expect(readdirSync(site.directory.at("overlayfs"))).to.deep.equal([]);
    mkdirSync(site.directory.at("overlayfs/7/fs/d"), { recursive: true });
    [site.overlay, site.native] = site.open();
    await site.background.idle();
    expect(readdirSync(site.directory.at("overlayfs"))).to.deep.equal([]);
    await site.native.prepare(ONE, { key: "n", parent: "", labels: NO_LABELS });
    await site.overlay.prepare(ONE, { key: "n", parent: "", labels: NO_LABELS });
    expect(readdirSync(site.directory.at("native"))).to.deep.equal(["8"]);
    expect(readdirSync(site.directory.at("overlayfs"))).to.deep.equal(["9"]);
    expect(site.warnings).to.deep.equal([]);
  });
});
