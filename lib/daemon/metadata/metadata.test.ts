import { Database } from "bun:sqlite";
import { expect } from "chai";
import { memoryStores, refusal } from "../../testing/metadata.ts";
import { TemporaryDirectory } from "../../testing/temporary-directory.ts";
import { NO_LABELS } from "../labels.ts";
import type { NewContainer } from "./containers.ts";
import { MetadataDatabase } from "./database.ts";
import type { NewImage } from "./images.ts";

const labels = (entries: Record<string, string>) => new Map(Object.entries(entries));
const LONG = "x".repeat(5000);
const DIGEST = `sha256:${"ab".repeat(32)}`;

describe("MetadataDatabase", () => {
  it("keeps what was written, by a log that readers need not wait for", () => {
    using directory = new TemporaryDirectory();
    const path = directory.at("meta.db");
    {
      using database = MetadataDatabase.open(path);
      database.write(() => database.run("INSERT INTO facts VALUES ('a', 'b')"));
      const beside = new Database(path, { readonly: true });
      // Another process reads in the middle of a transaction.
      const seen = database.write(() => {
        database.run("INSERT INTO facts VALUES ('c', 'd')");
        return beside.query("SELECT name FROM facts").values();
      });
      beside.close();
      expect(seen).to.deep.equal([["a"]]);
    }
    using again = MetadataDatabase.open(path);
    expect(again.all("SELECT * FROM facts").map((row) => row["name"])).to.deep.equal(["a", "c"]);
    expect(again.check()).to.deep.equal([]);
  });

  it("undoes a transaction that fails, and the ones in it", () => {
    const { database } = memoryStores();
    const work = () =>
      database.write(() => {
        database.write(() => database.run("INSERT INTO facts VALUES ('a', 'b')"));
        throw new RangeError("no");
      });
    expect(work).to.throw(RangeError, "no");
    expect(database.all("SELECT * FROM facts")).to.deep.equal([]);
  });

  it("refuses a database of a later version", () => {
    using directory = new TemporaryDirectory();
    const path = directory.at("meta.db");
    const later = new Database(path, { create: true });
    later.run("PRAGMA user_version = 99");
    later.close();
    expect(() => MetadataDatabase.open(path))
      .to.throw(`cannot open ${path}: it has version 99, this program knows up to 2`)
      .with.property("code", "failed_precondition");
  });

  it("says which file is no database", async () => {
    using directory = new TemporaryDirectory();
    const path = directory.at("meta.db");
    await Bun.write(path, "this is no database, but it is long enough to look at".repeat(20));
    expect(() => MetadataDatabase.open(path)).to.throw(`cannot open ${path}: file is not a database (SQLITE_NOTADB)`);
  });

  it("walks by pages while others write", () => {
    const { database } = memoryStores();
    const name = (n: number) => String(n).padStart(4, "0");
    for (let n = 0; n < 1000; n += 2) database.run("INSERT INTO facts VALUES (?, '')", name(n));
    const seen: string[] = [];
    for (const row of database.walk("SELECT name FROM facts WHERE name > ? ORDER BY name", "name")) {
      seen.push(String(row["name"]));
      if (seen.length === 10) database.run("INSERT INTO facts VALUES (?, '')", name(999));
    }
    expect(seen).to.have.length(501);
    expect(seen.at(-1)).to.equal("0999");
  });
});

describe("NamespaceStore", () => {
  it("creates, lists, updates and deletes", () => {
    const { namespaces } = memoryStores();
    namespaces.create({ name: "web", labels: labels({ a: "1", empty: "" }) });
    namespaces.create({ name: "db", labels: NO_LABELS });
    expect(namespaces.list().map((each) => each.name)).to.deep.equal(["db", "web"]);
    expect(namespaces.get("web").labels).to.deep.equal(labels({ a: "1" }));
    const update = { name: "web", labels: labels({ b: "2", "c.d/e": "3" }) };
    expect(namespaces.update(update, ["labels.c.d/e"]).labels).to.deep.equal(labels({ a: "1", "c.d/e": "3" }));
    expect(namespaces.update({ name: "web", labels: NO_LABELS }, ["labels.a"]).labels.has("a")).to.equal(false);
    expect(namespaces.update(update, []).labels).to.deep.equal(update.labels);
    namespaces.delete("web");
    expect(namespaces.list().map((each) => each.name)).to.deep.equal(["db"]);
  });

  it("keeps a label by the name of a property of every object", () => {
    const { namespaces } = memoryStores();
    namespaces.create({ name: "web", labels: new Map([["__proto__", "x"]]) });
    expect([...namespaces.get("web").labels]).to.deep.equal([["__proto__", "x"]]);
  });

  it("refuses", async () => {
    const { namespaces, leases } = memoryStores();
    leases.create("held", { id: "l", labels: NO_LABELS });
    expect(await refusal(() => namespaces.create({ name: "held", labels: NO_LABELS }))).to.equal(
      'already_exists: namespace "held": already exists',
    );
    expect(await refusal(() => namespaces.delete("held"))).to.equal(
      'failed_precondition: namespace "held" must be empty, but it still has leases',
    );
    expect(await refusal(() => namespaces.get("x"))).to.equal('not_found: namespace "x": not found');
    expect(await refusal(() => namespaces.delete("x"))).to.equal('not_found: namespace "x": not found');
    expect(await refusal(() => namespaces.update({ name: "held", labels: NO_LABELS }, ["name"]))).to.equal(
      'invalid_argument: cannot update field "name" of namespace "held"',
    );
    for (const name of ["", ".", "a/b", "a..b", "-a", "a-", "ä", "x".repeat(77)]) {
      const text = await refusal(() => namespaces.create({ name, labels: NO_LABELS }));
      expect(text).to.match(/^invalid_argument: invalid namespace /);
    }
    expect(await refusal(() => namespaces.create({ name: "y", labels: labels({ [LONG]: "1" }) }))).to.equal(
      'invalid_argument: invalid label "xxxxxxxxxx…": key and value have 5001 bytes, at most 4096 are allowed',
    );
  });
});

describe("ImageStore", () => {
  const target = { mediaType: "application/x", digest: DIGEST, size: 7, annotations: labels({ o: "p" }) };
  const image: NewImage = { name: "web:1", target, labels: labels({ a: "1" }) };

  it("creates and gets, each namespace for itself", async () => {
    const { images } = memoryStores();
    const made = images.create("one", image);
    expect(images.get("one", "web:1")).to.deep.equal({ ...image, createdNs: 1n, updatedNs: 1n });
    expect(made.createdNs).to.equal(1n);
    expect(await refusal(() => images.get("two", "web:1"))).to.equal('not_found: image "web:1": not found');
    expect(await refusal(() => images.create("one", image))).to.equal('already_exists: image "web:1": already exists');
  });

  it("updates what the field mask names", async () => {
    const { images } = memoryStores();
    images.create("one", image);
    const wanted = {
      ...image,
      target: { ...target, size: 9, annotations: labels({ q: "r" }) },
      labels: labels({ b: "2" }),
    };
    const update = (...mask: string[]) => images.update("one", wanted, mask);
    expect(update("labels.b").labels).to.deep.equal(labels({ a: "1", b: "2" }));
    expect(update("annotations.q").target).to.deep.equal({ ...target, annotations: labels({ o: "p", q: "r" }) });
    expect(update("labels").labels).to.deep.equal(labels({ b: "2" }));
    expect(update("annotations").target.annotations).to.deep.equal(labels({ q: "r" }));
    expect(update("target").target.size).to.equal(9);
    expect(images.update("one", image, [])).to.deep.equal({ ...image, createdNs: 1n, updatedNs: 7n });
    expect(await refusal(() => update("name"))).to.equal(
      'invalid_argument: cannot update field "name" of image "web:1"',
    );
    expect(await refusal(() => images.update("two", image, []))).to.equal('not_found: image "web:1": not found');
  });

  it("lists by filter", () => {
    const { images } = memoryStores();
    images.create("one", image);
    images.create("one", { ...image, name: "db:1", labels: NO_LABELS });
    const list = (...filters: string[]) => images.list("one", filters).map((each) => each.name);
    expect(list()).to.deep.equal(["db:1", "web:1"]);
    expect(list("name~=/^web/")).to.deep.equal(["web:1"]);
    expect(list(`target.digest==${DIGEST}`)).to.deep.equal(["db:1", "web:1"]);
    expect(list("target.mediatype!=application/x")).to.deep.equal([]);
    expect(list("labels.a", "name==db:1")).to.deep.equal(["db:1", "web:1"]);
    expect(list("annotations.o==p,labels.a==1")).to.deep.equal(["web:1"]);
  });

  it("deletes", async () => {
    const { images } = memoryStores();
    images.create("one", image);
    images.delete("one", "web:1");
    expect(await refusal(() => images.delete("one", "web:1"))).to.equal('not_found: image "web:1": not found');
  });

  for (const [what, wrong] of [
    ["it has no name", { ...image, name: "" }],
    ["the size of its target is 0, it must be positive", { ...image, target: { ...target, size: 0 } }],
    ["its target has no media type", { ...image, target: { ...target, mediaType: "" } }],
    ['invalid digest "md5:00"', { ...image, target: { ...target, digest: "md5:00" } }],
    ['invalid digest "../../x"', { ...image, target: { ...target, digest: "../../x" } }],
  ] as const) {
    it(`refuses an image: ${what}`, async () => {
      const text = await refusal(() => memoryStores().images.create("one", wrong));
      expect(text).to.match(/^invalid_argument: /);
      expect(text).to.contain(what);
    });
  }
});

describe("ContainerStore", () => {
  const bytes = (...values: number[]) => ({ typeUrl: "t", value: Uint8Array.from(values) });
  const container: NewContainer = {
    ...{ id: "web", image: "web:1", runtime: { name: "r", options: bytes() }, spec: bytes(1, 2) },
    ...{ snapshotter: "overlayfs", snapshotKey: "web", sandbox: "", labels: labels({ a: "1" }) },
    extensions: new Map([["x.y", bytes(3)]]),
  };

  it("gives back what it was given", () => {
    const { containers } = memoryStores();
    containers.create("one", container);
    expect(containers.get("one", "web")).to.deep.equal({ ...container, createdNs: 1n, updatedNs: 1n });
    containers.create("one", {
      ...container,
      id: "b",
      runtime: { name: "r" },
      spec: { typeUrl: "t", value: bytes().value },
    });
    expect(containers.get("one", "b").runtime).to.deep.equal({ name: "r" });
    expect([...containers.walk("one", [])].map((each) => each.id)).to.deep.equal(["b", "web"]);
    expect([...containers.walk("one", ["runtime.name==r,labels.a==1,id==b"])]).to.have.length(1);
    expect([...containers.walk("one", ["image!=web:1"])]).to.have.length(0);
  });

  it("updates what the field mask names", async () => {
    const { containers } = memoryStores();
    containers.create("one", container);
    const wanted: NewContainer = {
      ...container,
      ...{ image: "web:2", spec: bytes(9), snapshotKey: "other", labels: labels({ b: "2" }) },
      extensions: new Map([["z.w", bytes(8)]]),
    };
    const update = (mask: string[], to = wanted) => containers.update("one", to, mask);
    expect(update(["extensions.z.w"]).extensions).to.deep.equal(
      new Map([...container.extensions, ...wanted.extensions]),
    );
    expect(containers.get("one", "web").extensions.size).to.equal(2);
    expect(update(["labels.b", "spec"])).to.deep.include({ spec: bytes(9), image: "web:1" });
    expect(update([])).to.deep.equal({ ...wanted, createdNs: 1n, updatedNs: 4n });
    expect(await refusal(() => update(["runtime"]))).to.match(/^invalid_argument: cannot update field "runtime"/);
    expect(await refusal(() => update([], { ...wanted, snapshotter: "x" }))).to.match(/^invalid_argument: .*immutable/);
    expect(await refusal(() => update([], { ...wanted, runtime: { name: "x" } }))).to.match(
      /^invalid_argument: .*immutable/,
    );
  });

  it("refuses", async () => {
    const { containers } = memoryStores();
    containers.create("one", container);
    const create = (change: Partial<NewContainer>) =>
      refusal(() => containers.create("two", { ...container, ...change }));
    expect(await refusal(() => containers.create("one", container))).to.equal(
      'already_exists: container "web": already exists',
    );
    expect(await create({ id: "a b" })).to.match(/^invalid_argument: invalid container id "a b"/);
    expect(await create({ runtime: { name: "" } })).to.match(/^invalid_argument: .* it has no runtime$/);
    expect(await create({ spec: { typeUrl: "", value: new Uint8Array() } })).to.match(
      /^invalid_argument: .* it has no spec$/,
    );
    expect(await create({ snapshotter: "" })).to.match(/^invalid_argument: .* a snapshot key needs a snapshotter$/);
    expect(await create({ labels: labels({ a: LONG }) })).to.match(/^invalid_argument: invalid label/);
    containers.delete("one", "web");
    const missing = 'not_found: container "web" in namespace "one": not found';
    expect(await refusal(() => containers.delete("one", "web"))).to.equal(missing);
    expect(await refusal(() => containers.update("one", container, []))).to.equal(missing);
  });
});

describe("LeaseStore", () => {
  it("holds resources", async () => {
    const { leases } = memoryStores();
    const lease = leases.create("one", { id: "l", labels: labels({ a: "1", b: "" }) });
    expect(lease).to.deep.equal({ id: "l", labels: labels({ a: "1" }), createdNs: 1n });
    leases.addResource("one", "l", { type: "content", id: DIGEST });
    leases.addResource("one", "l", { type: "snapshots/native", id: "k" });
    leases.hold({ namespace: "one", lease: "l" }, "content", DIGEST);
    leases.hold({ namespace: "one" }, "content", "nobody holds this");
    expect(leases.listResources("one", "l")).to.deep.equal([
      { type: "content", id: DIGEST },
      { type: "snapshots/native", id: "k" },
    ]);
    leases.deleteResource("one", "l", { type: "content", id: DIGEST });
    leases.deleteResource("one", "l", { type: "content", id: DIGEST });
    expect(leases.listResources("one", "l")).to.have.length(1);
    expect(leases.list("one", ["labels.a==1"])).to.have.length(1);
    expect(leases.list("one", ["id==x"])).to.have.length(0);
    leases.delete("one", "l");
    expect(await refusal(() => leases.listResources("one", "l"))).to.equal('not_found: lease "l": not found');
  });

  it("refuses", async () => {
    const { leases } = memoryStores();
    const { id } = leases.create("one", { id: "", labels: NO_LABELS });
    expect(id).to.match(/^[0-9a-f]{24}$/);
    expect(await refusal(() => leases.create("one", { id, labels: NO_LABELS }))).to.match(/^already_exists: /);
    expect(await refusal(() => leases.delete("one", "x"))).to.equal('not_found: lease "x": not found');
    const add = (type: string) => refusal(() => leases.addResource("one", id, { type, id: "x" }));
    expect(await add("snapshots")).to.equal('unimplemented: cannot hold resource type "snapshots" by a lease');
    expect(await add("containers")).to.match(/^unimplemented: /);
    expect(await refusal(() => leases.hold({ namespace: "one", lease: "x" }, "content", "d"))).to.equal(
      'not_found: lease "x": not found',
    );
  });
});
