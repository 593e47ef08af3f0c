import { execFileSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { expect } from "chai";
import { chainIds } from "../../image/chain-id.ts";
import { digestOf } from "../../image/digest.ts";
import { openKernel } from "../../linux/kernel.ts";
import { TarReader } from "../../tar/tar-reader.ts";
import { chunksOf } from "../../testing/layers.ts";
import { listTree } from "../../testing/list-tree.ts";
import { refusal } from "../../testing/metadata.ts";
import { requireRoot } from "../../testing/runtime-site.ts";
import { TemporaryDirectory } from "../../testing/temporary-directory.ts";
import { writeDiff } from "../images/write-diff.ts";
import type { Mount } from "../snapshots/driver.ts";
import { Store } from "../store.ts";
import { applyLayer } from "./apply.ts";
import { diffLayers } from "./diff.ts";

const kernel = openKernel();
const sh = (script: string, cwd: string) => execFileSync("sh", ["-ec", script], { cwd }).toString();
const bind = (source: string): readonly Mount[] => [{ type: "bind", source, options: ["ro"] }];

async function diff(lower: readonly Mount[], upper: readonly Mount[]): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  for await (const part of diffLayers(kernel, { lower, upper })) parts.push(part.slice());
  return Buffer.concat(parts);
}

async function names(archive: Uint8Array): Promise<readonly string[]> {
  const reader = new TarReader(chunksOf(archive));
  const found: string[] = [];
  for (let entry = await reader.next(); entry !== undefined; entry = await reader.next()) found.push(entry.name);
  return found;
}

const BASE = `mkdir -p keep/sub gone/sub opaque change; echo 1 >keep/sub/f; echo 1 >gone/sub/f; echo 1 >opaque/old
  echo 1 >change/f; echo 1 >change/mode; echo 1 >type; ln -s a link; echo 1 >dir; touch -d @5 change/f`;
const CHANGES = `rm -r gone; rm -r opaque; mkdir opaque; echo 2 >opaque/new; echo 2 >change/f; touch -d @9 change/f
  chmod 600 change/mode; rm type; mkdir type; echo x >type/in; ln -snf b link; rm dir; echo hard >h1; ln h1 h2; mknod p p
  setfattr -n user.k -v v h1; mkdir -p new/deep; printf 'x' >"$(printf 'n\\377')"; chown 5:6 new; mknod c c 1 3; : >.wh`;

/** A base, and an overlay mount on it in which changes were made; the mount is gone when this returns. */
function overlay(directory: TemporaryDirectory, changes: string): readonly Mount[] {
  for (const name of ["base", "upper", "work", "merged"]) mkdirSync(directory.at(name));
  sh(BASE, directory.at("base"));
  const layers = `lowerdir=${directory.at("base")},upperdir=${directory.at("upper")},workdir=${directory.at("work")}`;
  execFileSync("mount", ["-t", "overlay", "-o", layers, "overlay", directory.at("merged")]);
  try {
    sh(changes, directory.at("merged"));
    sh("cp -a merged copy", directory.path);
  } finally {
    execFileSync("umount", [directory.at("merged")]);
  }
  return [{ type: "overlay", source: "overlay", options: layers.split(",") }];
}

describe("diffLayers()", () => {
  before(function () {
    requireRoot(this);
  });

  const expected = [
    ...["c", "change/", "change/f", "change/mode", ".wh.dir", ".wh.gone", "h1", "h2", "link", "n\xff", "new/"],
    ...["new/deep/", "opaque/new", "opaque/.wh.old", "p", "type/", "type/in", ".wh"],
  ].sort();

  it("of an overlay is what was changed in it, and makes the same tree elsewhere", async () => {
    using directory = new TemporaryDirectory();
    const upper = overlay(directory, CHANGES);
    const archive = await diff(bind(directory.at("base")), upper);
    const withoutParents = (await names(archive)).filter((name) => name !== "opaque/").sort();
    expect(withoutParents).to.deep.equal(expected);
    expect(await diff(bind(directory.at("base")), upper)).to.deep.equal(archive);
    await applyLayer(kernel, chunksOf(archive), {
      target: { directory: directory.at("base"), form: "plain", parents: [] },
    });
    const without = { times: true };
    expect(listTree(directory.at("base"), without)).to.deep.equal(listTree(directory.at("copy"), without));
  });

  it("of two directories is the same", async () => {
    using directory = new TemporaryDirectory();
    overlay(directory, CHANGES);
    const archive = await diff(bind(directory.at("base")), bind(directory.at("copy")));
    expect((await names(archive)).filter((name) => name !== "opaque/").sort()).to.deep.equal(expected);
  });

  it("of a first layer is all of it, directories first, names in order", async () => {
    using directory = new TemporaryDirectory();
    sh("mkdir -p b/c a; echo 1 >b/c/f; echo 2 >a/g", directory.path);
    expect(await names(await diff([], bind(directory.path)))).to.deep.equal(["a/", "a/g", "b/", "b/c/", "b/c/f"]);
  });

  it("of nothing is an archive of nothing", async () => {
    using directory = new TemporaryDirectory();
    const upper = overlay(directory, "touch -a change/f");
    expect(await names(await diff(upper, upper))).to.deep.equal([]);
    expect(await diff(bind(directory.at("base")), bind(directory.at("base")))).to.have.length(1024);
  });

  it("refuses what overlayfs keeps elsewhere, and other mounts", async () => {
    using directory = new TemporaryDirectory();
    const upper = overlay(directory, "mkdir d");
    sh("setfattr -n trusted.overlay.redirect -v change d", directory.at("upper"));
    expect(await refusal(() => diff(bind(directory.at("base")), upper))).to.match(
      /^failed_precondition: .*redirect_dir=off/,
    );
    const other = [{ type: "tmpfs", source: "tmpfs", options: [] }];
    expect(await refusal(() => diff([], other))).to.equal("unimplemented: cannot compare a mount of type tmpfs");
  });

  it("does not follow a link that a directory has become", async () => {
    using directory = new TemporaryDirectory();
    sh("mkdir -p tree/a/b outside/b; echo secret >outside/b/f; echo 1 >tree/a/b/f; echo 2 >tree/first", directory.path);
    const parts: Uint8Array[] = [];
    for await (const part of diffLayers(kernel, { lower: [], upper: bind(directory.at("tree")) })) {
      if (parts.length === 0) sh("rm -r a; ln -s ../outside a", directory.at("tree"));
      parts.push(part.slice());
    }
    expect(Buffer.concat(parts).toString()).not.to.contain("secret");
  });
});

describe("writeDiff()", () => {
  before(function () {
    requireRoot(this);
  });

  for (const [suffix, magic] of [
    ["+gzip", "1f8b"],
    ["+zstd", "28b52ffd"],
    ["", Buffer.from("d/").toString("hex")],
  ] as const) {
    it(`makes a blob of a layer${suffix}, labelled with its diff id`, async () => {
      using directory = new TemporaryDirectory();
      sh("mkdir -p tree/d; echo 1 >tree/d/f", directory.path);
      await using store = Store.open(kernel, { root: directory.at("root"), warn: () => undefined });
      const upper = bind(directory.at("tree"));
      const request = { lower: [], upper, mediaType: `application/vnd.oci.image.layer.v1.tar${suffix}`, ref: "r" };
      const make = () => writeDiff(store, { namespace: "one" }, { ...request, labels: new Map([["k", "v"]]) });
      const { digest, size } = await make();
      const info = store.content.blobs.info("one", digest);
      const diffId = digestOf(await diff([], upper));
      expect([...info.labels]).to.deep.equal([
        ["containerd.io/uncompressed", diffId],
        ["k", "v"],
      ]);
      await using reader = await store.content.blobs.openReader("one", digest);
      const bytes = await reader.bytes(size);
      expect(Buffer.from(bytes).toString("hex").startsWith(magic)).to.equal(true);
      expect((await make()).digest).to.equal(digest);
    });
  }

  it("refuses what is no layer", async () => {
    using directory = new TemporaryDirectory();
    await using store = Store.open(kernel, { root: directory.at("root"), warn: () => undefined });
    const request = { lower: [], upper: [], mediaType: "text/plain", ref: "r", labels: new Map() };
    expect(await refusal(() => writeDiff(store, { namespace: "one" }, request))).to.match(/^unimplemented: /);
  });
});

describe("chainIds()", () => {
  it("are image-spec's", () => {
    const [a, b, c] = ["a", "b", "c"].map((each) => `sha256:${each.repeat(64)}`);
    const chain = chainIds([a ?? "", b ?? "", c ?? ""]);
    const step = (text: string) => `sha256:${new Bun.CryptoHasher("sha256").update(text).digest("hex")}`;
    expect(chain[0]).to.equal(a);
    expect(chain[1]).to.equal(step(`${a} ${b}`));
    expect(chain[2]).to.equal(step(`${chain[1]} ${c}`));
    expect(chainIds([])).to.deep.equal([]);
  });
});
