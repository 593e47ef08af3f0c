import { readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";
import { expect } from "chai";
import type { ImportOptions } from "../../archive/import.ts";
import { chainIds } from "../../image/chain-id.ts";
import { familiarName, normalizeDockerName } from "../../image/references.ts";
import { openKernel } from "../../linux/kernel.ts";
import { dockerArchive, ociArchive } from "../../testing/images.ts";
import { chunksOf, tarEntry, tarOf } from "../../testing/layers.ts";
import { refusal } from "../../testing/metadata.ts";
import { requireRoot } from "../../testing/runtime-site.ts";
import { TemporaryDirectory } from "../../testing/temporary-directory.ts";
import { NO_LABELS } from "../labels.ts";
import { Store } from "../store.ts";
import { exportArchive } from "./export.ts";
import { importArchive } from "./import.ts";
import { readReferences } from "./read-documents.ts";
import { unpackManifest } from "./unpack.ts";

const LEASE = { namespace: "one", lease: "l" };
const PLATFORM = { architecture: "amd64", os: "linux" };
const NAME = "io.containerd.image.name";
const LAYERS = [
  [tarEntry("etc/", { type: "directory", mode: 0o755 }), [tarEntry("etc/a"), "1"] as const],
  [[tarEntry("etc/b"), "2"] as const, tarEntry("etc/.wh.a")],
];

class Site implements AsyncDisposable {
  readonly directory = new TemporaryDirectory();
  readonly warnings: unknown[] = [];
  readonly store = Store.open(openKernel(), {
    root: this.directory.at("root"),
    warn: (error) => this.warnings.push(error),
  });

  constructor() {
    this.store.leases.create("one", { id: "l", labels: NO_LABELS });
  }

  import(archive: Uint8Array, options?: ImportOptions) {
    return importArchive(this.store.content, LEASE, chunksOf(archive), options);
  }

  async export(...names: readonly string[]): Promise<Uint8Array> {
    const images = names.map((name) => this.store.images.get("one", name));
    const parts: Uint8Array[] = [];
    const options = { images, platform: PLATFORM };
    for await (const part of exportArchive(this.store.content.blobs, "one", options)) parts.push(part.slice());
    return Buffer.concat(parts);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.store.close();
    expect(this.warnings).to.deep.equal([]);
    this.directory[Symbol.dispose]();
  }
}

describe("image archives", () => {
  before(function () {
    requireRoot(this);
  });

  for (const [what, archive] of [
    ["docker save", dockerArchive("web:1", ...LAYERS)],
    ["a layout", ociArchive({ [NAME]: "docker.io/library/web:1" }, ...LAYERS)],
    ["a compressed layout", gzipSync(ociArchive({ [NAME]: "docker.io/library/web:1" }, ...LAYERS))],
  ] as const) {
    it(`of ${what} are imported, kept, unpacked and exported`, async () => {
      await using site = new Site();
      const { store } = site;
      const { images } = await site.import(archive);
      const [{ name, target } = { name: "", target: undefined }] = images;
      expect(images.map((image) => image.name)).to.deep.equal(["docker.io/library/web:1"]);
      if (target === undefined) throw new Error("no image");
      store.images.create("one", { name, target, labels: NO_LABELS });
      const snapshots = store.snapshotter("overlayfs");
      const unpack = () => unpackManifest({ kernel: store.kernel, content: store.content, snapshots }, LEASE, target);
      const [first, second] = await Promise.all([unpack(), unpack()]);
      expect(first).to.equal(second);
      store.leases.delete("one", "l");
      store.collector.collect();
      const references = await readReferences(store.content.blobs, "one", target);
      const blobs = [target.digest, references.config?.digest ?? "", ...references.layers.map((each) => each.digest)];
      expect([...store.content.blobs.walk("one", [])].map(({ digest }) => digest)).to.deep.equal(blobs.sort());
      expect([...snapshots.walk("one", [])].map((info) => info.name).sort()).to.deep.equal(
        [...chainOf(store, references.layers)].sort(),
      );
      const [mount] = await snapshots.view({ namespace: "one" }, { key: "v", parent: first, labels: NO_LABELS });
      const upper = mount?.options
        .find((option) => option.startsWith("lowerdir="))
        ?.slice(9)
        .split(":")[0];
      expect(readFileSync(`${upper}/etc/b`, "utf8")).to.equal("2");
      const exported = await site.export(name);
      expect(await site.export(name)).to.deep.equal(exported);
      await using other = new Site();
      const again = await other.import(exported);
      expect(again.images).to.have.length(1);
      expect(again.images[0]).to.deep.include({ name, target, isFull: true });
    });
  }

  it("gives names to images that have a tag only, and none to those without", async () => {
    await using site = new Site();
    const archive = ociArchive({ "org.opencontainers.image.ref.name": "v2" }, ...LAYERS);
    expect((await site.import(archive, { nameOfTag: (tag) => `local/web:${tag}` })).images[0]?.name).to.equal(
      "local/web:v2",
    );
    expect((await site.import(archive)).images[0]?.name).to.equal("");
  });

  it("are imported by many at once", async () => {
    await using site = new Site();
    const archive = ociArchive({ [NAME]: "web:1" }, ...LAYERS);
    const results = await Promise.all(Array.from({ length: 5 }, () => site.import(archive)));
    expect(new Set(results.map(({ index }) => index.digest)).size).to.equal(1);
    expect(site.store.content.ingests.list("one", [])).to.deep.equal([]);
  });

  const json = (name: string, value: unknown) => [tarEntry(name), JSON.stringify(value)] as const;
  const layout = json("oci-layout", { imageLayoutVersion: "1.0.0" });
  for (const [why, archive] of [
    ["it has neither oci-layout nor manifest.json", tarOf(tarEntry("a"))],
    ["it has no index.json", tarOf(layout)],
    ['version "2" is not 1.0.0', tarOf(json("oci-layout", { imageLayoutVersion: "2" }))],
    ["it is no JSON", tarOf([tarEntry("index.json"), "{"])],
    ["it is no list", tarOf(layout, json("index.json", { manifests: 1 }))],
    ["a descriptor is not whole", tarOf(layout, json("index.json", { manifests: [{ digest: "x" }] }))],
    ["x is not in the archive", tarOf(json("manifest.json", [{ Config: "x", Layers: [] }]))],
    [
      "it has 0 diff ids",
      tarOf([tarEntry("c"), "{}"], [tarEntry("l"), ""], json("manifest.json", [{ Config: "c", Layers: ["l"] }])),
    ],
    ["an image has no config", tarOf(json("manifest.json", [{ Layers: [] }]))],
    ["its bytes are not what its name says", tarOf([tarEntry(`blobs/sha256/${"a".repeat(64)}`), "x"])],
    [
      "is not in the archive",
      tarOf(json("manifest.json", [{ Config: "a", Layers: [] }]), tarEntry("a", { type: "link", target: "a" })),
    ],
    ["is not in the archive", tarOf(json("manifest.json", [{ Config: "../../etc/passwd", Layers: [] }]))],
    ["it ends in the middle of an entry", tarOf(layout).subarray(0, 520)],
  ] as const) {
    it(`are refused: ${why}`, async () => {
      await using site = new Site();
      const text = await refusal(() => site.import(archive));
      expect(text).to.match(/^invalid_argument: /);
      expect(text).to.contain(why);
      expect(site.store.content.ingests.list("one", [])).to.deep.equal([]);
    });
  }

  it("whose layer is another one than the config says are not unpacked", async () => {
    await using site = new Site();
    const { store } = site;
    const [bad, good] = [dockerArchive("x", [tarEntry("a")]), dockerArchive("x", [tarEntry("b")])].map((each) =>
      Buffer.from(each),
    );
    const [from, to] = [tarOf(tarEntry("a")), tarOf(tarEntry("b"))];
    const at = bad?.indexOf(Buffer.from(from)) ?? -1;
    expect([at > 0, good === undefined]).to.deep.equal([true, false]);
    bad?.set(to, at);
    const { images } = await site.import(bad ?? Buffer.alloc(0));
    const [image] = images;
    if (image === undefined) throw new Error("no image");
    const snapshots = store.snapshotter("native");
    const parts = { kernel: store.kernel, content: store.content, snapshots };
    expect(await refusal(() => unpackManifest(parts, LEASE, image.target))).to.match(
      /^invalid_argument: .* its diff id is/,
    );
    expect([...snapshots.walk("one", [])]).to.deep.equal([]);
  });
});

function chainOf(store: Store, layers: readonly { readonly digest: string }[]): readonly string[] {
  const diffIds = layers.map(({ digest }) => {
    return store.content.blobs.info("one", digest).labels.get("containerd.io/uncompressed") ?? "";
  });
  return chainIds(diffIds);
}

describe("normalizeDockerName()", () => {
  const digest = `sha256:${"a".repeat(64)}`;
  for (const [name, full] of [
    ["busybox", "docker.io/library/busybox:latest"],
    ["busybox:1", "docker.io/library/busybox:1"],
    ["user/web", "docker.io/user/web:latest"],
    ["localhost/web", "localhost/web:latest"],
    ["localhost:5000/web:2", "localhost:5000/web:2"],
    ["reg.example.com/a/b/c", "reg.example.com/a/b/c:latest"],
    ["index.docker.io/web", "docker.io/library/web:latest"],
    [`web:1@${digest}`, `docker.io/library/web@${digest}`],
  ] as const) {
    it(`makes ${name} ${full}`, () => {
      expect(normalizeDockerName(name)).to.equal(full);
    });
  }

  for (const name of ["", "Upper", "a b", "web:", "web@x", "-a", "a//b", "a/../b", `web:${"x".repeat(200)}`]) {
    it(`refuses ${JSON.stringify(name.slice(0, 20))}`, async () => {
      expect(await refusal(() => normalizeDockerName(name))).to.match(/^invalid_argument: invalid image name /);
    });
  }

  it("familiarName() takes off what Docker adds", () => {
    const names = ["docker.io/library/web:1", "docker.io/user/web:1", "localhost/web:1"];
    expect(names.map(familiarName)).to.deep.equal(["web:1", "user/web:1", "localhost/web:1"]);
  });
});
