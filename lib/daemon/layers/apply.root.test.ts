import { execFileSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { gzipSync, zstdCompressSync } from "node:zlib";
import { expect } from "chai";
import { digestOf } from "../../image/digest.ts";
import { openKernel } from "../../linux/kernel.ts";
import { chunksOf, paxOf, type TarPart, tarEntry, tarOf } from "../../testing/layers.ts";
import { listTree } from "../../testing/list-tree.ts";
import { refusal } from "../../testing/metadata.ts";
import { requireRoot } from "../../testing/runtime-site.ts";
import { TemporaryDirectory } from "../../testing/temporary-directory.ts";
import { applyLayer, DEFAULT_LIMITS, type LayerLimits } from "./apply.ts";
import type { LayerTarget } from "./target.ts";

const kernel = openKernel();
const sh = (script: string, cwd: string) => execFileSync("sh", ["-ec", script], { cwd }).toString();
const directory = (name: string, fields = {}) => tarEntry(name, { type: "directory", mode: 0o755, ...fields });
const link = (name: string, target: string) => tarEntry(name, { type: "link", target });
const hardLink = (name: string, target: string) => tarEntry(name, { type: "hard link", target });

/** A directory to unpack into, beside one that no layer may touch. */
class Site implements Disposable {
  readonly directory = new TemporaryDirectory();
  readonly root = this.directory.at("root");
  readonly outside = this.directory.at("outside");
  readonly below = this.directory.at("below");

  constructor() {
    for (const path of [this.root, this.outside, this.below]) mkdirSync(path);
    writeFileSync(`${this.outside}/secret`, "untouched");
  }

  async apply(parts: readonly TarPart[], form: LayerTarget["form"] = "plain", limits?: LayerLimits) {
    return await this.applyBytes(tarOf(...parts), form, limits);
  }

  async applyBytes(bytes: Uint8Array, form: LayerTarget["form"] = "plain", limits: LayerLimits = DEFAULT_LIMITS) {
    const target: LayerTarget = { directory: this.root, form, parents: form === "overlay" ? [this.below] : [] };
    return await applyLayer(kernel, chunksOf(bytes), { target, limits });
  }

  /** The names in the root, with what the test wants to see of each. */
  tree(script = 'find . -mindepth 1 | sort | tr "\\n" " "'): string {
    return sh(script, this.root).trim();
  }

  [Symbol.dispose](): void {
    expect(listTree(this.outside, { times: true })).to.have.length(1);
    expect(sh("cat outside/secret; stat -c %h%a outside/secret; ls outside", this.directory.path)).to.equal(
      "untouched1644\nsecret\n",
    );
    this.directory[Symbol.dispose]();
  }
}

describe("applyLayer()", () => {
  before(function () {
    requireRoot(this);
  });

  it("makes what the archive says, whatever made it", async () => {
    using from = new TemporaryDirectory();
    sh(
      `mkdir -m 1777 d "d/with space"; echo text >d/f; chown 12:3000000 d/f; chmod 4755 d/f; ln d/f hard; ln -s ../../x link
       mknod dev c 1 3; mknod blk b 7 1; mknod -m 600 pipe p; : >empty; mkdir -p $(printf "%060d/" 1 2 3)
       printf x >"$(printf 'n\\377')"; dd if=/dev/urandom of=sparse bs=4096 seek=100 count=2 2>/dev/null; truncate -s 1M sparse
       setfattr -n user.a -v b d/f; setfattr -n security.capability -v 0x0100000200040000000000000000000000000000 hard
       head -c 3000000 /dev/urandom >big; touch -h -d '2001-02-03 04:05:06' link d/f d big . sparse; chown -h 7:8 link`,
      from.path,
    );
    for (const options of [
      "--format=gnu --sparse",
      "--format=pax --sparse --sparse-version=0.0 --xattrs --xattrs-include=*",
      "--format=pax --sparse --sparse-version=0.1 --xattrs --xattrs-include=*",
      "--format=pax --sparse --sparse-version=1.0 --xattrs --xattrs-include=*",
      "--format=pax --xattrs --xattrs-include=*",
      "--format=gnu",
    ]) {
      using site = new Site();
      const archive = execFileSync("sh", ["-c", `tar -cf - ${options} .`], { cwd: from.path, maxBuffer: 2 ** 26 });
      await site.applyBytes(archive);
      const expected = listTree(from.path, { times: !options.includes("pax") });
      const got = listTree(site.root, { times: !options.includes("pax") });
      const strip = (lines: readonly string[]) =>
        options.includes("--xattrs") ? lines : lines.map((line) => line.replace(/ (user|security)\..*$/, ""));
      expect(strip(got), options).to.deep.equal(strip(expected));
      expect(site.tree("stat -c %b sparse")).to.equal(options.includes("--sparse") ? "16" : "2048");
    }
  });

  it("tells digest and size of the archive, whatever its compression", async () => {
    const archive = Buffer.concat([tarOf([tarEntry("a"), "content"]), new Uint8Array(5000)]);
    const expected = { digest: digestOf(archive), size: archive.length };
    const members = Buffer.concat([gzipSync(archive.subarray(0, 700)), gzipSync(archive.subarray(700))]);
    for (const bytes of [archive, gzipSync(archive), zstdCompressSync(archive), members]) {
      using site = new Site();
      expect(await site.applyBytes(bytes)).to.deep.equal(expected);
      expect(site.tree("cat a")).to.equal("content");
    }
  });

  it("puts the later of two entries in place of the earlier, directories together", async () => {
    using site = new Site();
    await site.apply([
      ...[
        [tarEntry("a"), "1"] as const,
        directory("d"),
        tarEntry("d/x"),
        link("l", "d"),
        directory("l"),
        tarEntry("l/y"),
      ],
      ...[
        [tarEntry("a"), "2"] as const,
        directory("d", { mode: 0o700 }),
        directory("was"),
        tarEntry("was/z"),
        tarEntry("was"),
      ],
    ]);
    expect(site.tree()).to.equal("./a ./d ./d/x ./l ./l/y ./was");
    expect(site.tree("cat a; stat -c %a%F d l was")).to.equal("2700directory\n755directory\n644regular empty file");
  });

  it("sets the times of directories after all is in them, the root's looks never", async () => {
    using site = new Site();
    const old = { mtime: { seconds: 5, nanoseconds: 0 } };
    await site.apply([directory("./", { mode: 0o700, uid: 9, ...old }), directory("d", old), tarEntry("d/f", old)]);
    expect(site.tree("stat -c %Y d d/f; stat -c %a%u .")).to.equal("5\n5\n7550");
  });

  it("writes through links as if the directory were the root", async () => {
    using site = new Site();
    await site.apply([
      ...[link("abs", "/etc"), tarEntry("abs/made"), link("up", "../../../../etc"), tarEntry("up/too")],
      ...[link("magic", "/proc/self/root"), tarEntry("magic/f"), link("chain", "abs/../up"), tarEntry("chain/third")],
    ]);
    expect(site.tree()).to.equal(
      "./abs ./chain ./etc ./etc/made ./etc/third ./etc/too ./magic ./proc ./proc/self ./proc/self/root ./proc/self/root/f ./up",
    );
  });

  describe("deletions", () => {
    it("in a plain directory remove what other layers have made", async () => {
      using site = new Site();
      await site.apply([
        directory("d"),
        tarEntry("d/a"),
        tarEntry("d/b"),
        directory("e"),
        tarEntry("e/x"),
        tarEntry("f"),
      ]);
      await site.apply([
        ...[
          tarEntry("d/.wh.a"),
          tarEntry("e/.wh..wh..opq"),
          tarEntry("e/new"),
          tarEntry(".wh.f"),
          tarEntry(".wh.none"),
        ],
        ...[
          tarEntry(".wh..wh.aufs"),
          tarEntry("g"),
          tarEntry(".wh.g"),
          tarEntry("sub/dir/h"),
          tarEntry("sub/.wh..wh..opq"),
        ],
      ]);
      expect(site.tree()).to.equal("./d ./d/b ./e ./e/new ./g ./sub ./sub/dir ./sub/dir/h");
    });

    it("for overlayfs are devices and an attribute", async () => {
      using site = new Site();
      await site.apply(
        [
          ...[tarEntry("d/.wh.a", { uid: 3, gid: 4 }), directory("e"), tarEntry("e/.wh..wh..opq"), tarEntry("e/new")],
          ...[
            tarEntry(".wh.both"),
            directory("both"),
            directory("own"),
            tarEntry(".wh.own"),
            tarEntry("f"),
            tarEntry(".wh.f"),
          ],
        ],
        "overlay",
      );
      const opaque = "trusted.overlay.opaque=79";
      const shown = listTree(site.root, { times: true }).map((line) => line.replace(/ +/g, " "));
      const at = (name: string) => shown.find((line) => line.startsWith(`${name} `));
      expect(at("d/a")).to.match(/^d\/a char 0 3:4 0:0 /);
      expect([at("e"), at("both"), at("own")].map((line) => line?.includes(opaque))).to.deep.equal([true, true, true]);
      expect(at("f")).to.match(/^f file/);
    });

    for (const name of [".wh.", ".wh..", ".wh...", "d/.wh...", "../.wh..."]) {
      it(`of ${name} are refused`, async () => {
        using site = new Site();
        const why = 'invalid_argument: cannot unpack file ".*": invalid tar archive: it deletes';
        for (const form of ["plain", "overlay"] as const) {
          expect(await refusal(() => site.apply([tarEntry(name)], form).catch(explained))).to.match(new RegExp(why));
        }
      });
    }
  });

  it("gives directories it has to make the looks of those below", async () => {
    using site = new Site();
    sh(
      "mkdir -p a/b; chown 5:6 a/b; chmod 2750 a/b; setfattr -n user.k -v v a/b; touch -d @77 a/b; ln -s a l",
      site.below,
    );
    sh("mkdir -p c; setfattr -n trusted.overlay.opaque -v y c", site.below);
    await site.apply([tarEntry("a/b/f"), tarEntry("none/f"), tarEntry("c/f"), tarEntry("l/b/f")], "overlay");
    expect(site.tree("stat -c '%a %u:%g %Y' a/b; stat -c '%a %u:%g' none; getfattr -d -m - a/b c l")).to.equal(
      '2750 5:6 77\n755 0:0\n# file: a/b\nuser.k="v"',
    );
  });

  describe("hostile archives", () => {
    for (const [what, parts, names] of [
      [
        "names that go up",
        [tarEntry("../../outside/secret"), tarEntry("/abs"), tarEntry("a/../../../b")],
        "./abs ./b ./outside ./outside/secret",
      ],
      [
        "a link up and a file through it",
        [link("l", "../outside"), tarEntry("l/evil")],
        "./l ./outside ./outside/evil",
      ],
      [
        "a link in place of a directory",
        [directory("d"), link("d", "../outside"), tarEntry("d/evil")],
        "./d ./outside ./outside/evil",
      ],
      ["a file in place of a link", [link("l", "../outside/secret"), [tarEntry("l"), "x"]], "./l"],
      ["attributes through a link", [link("l", "../outside"), directory("l", { mode: 0o777, uid: 5 })], "./l"],
      [
        "the mode of a link",
        [tarEntry("l", { type: "link", target: "../outside/secret", mode: 0o4777, uid: 7 })],
        "./l",
      ],
      ["the root's parent", [directory(".."), directory("../.."), tarEntry("."), tarEntry("/")], ""],
      [
        "attributes that speak to overlayfs",
        [tarEntry("f", { attributes: new Map([["trusted.overlay.opaque", Buffer.from("y")]]) })],
        "./f",
      ],
    ] as const) {
      it(`${what} stay inside`, async () => {
        using site = new Site();
        await site.apply(parts);
        expect(site.tree()).to.equal(names);
        expect(site.tree("getfattr -R -d -m trusted .")).to.equal("");
      });
    }

    for (const [what, parts, why] of [
      ["a hard link to outside", [hardLink("h", "../outside/secret")], /its target|no such file/],
      ["a hard link through a link", [link("l", "../outside"), hardLink("h", "l/secret")], /its target|no such file/],
      [
        "a hard link through proc",
        [link("l", "/proc/self/cwd"), hardLink("h", "l/package.json")],
        /its target|no such file/,
      ],
      ["a hard link to itself", [tarEntry("h"), hardLink("h", "h")], /no such file/],
      ["a hard link to the root", [hardLink("h", "/")], /its target/],
      ["a file below a file", [tarEntry("f"), tarEntry("f/g")], /not a directory/],
      ["links in a circle", [link("a", "b"), link("b", "a"), tarEntry("a/f")], /too many/],
      ["a name that is too long", [tarEntry("n".repeat(300))], /file name too long/],
      [
        "a device that does not exist",
        [tarEntry("c", { type: "char", major: 1, minor: 2 ** 20 })],
        /there is no device/,
      ],
    ] as const) {
      it(`${what} is refused`, async () => {
        using site = new Site();
        expect(await refusal(() => site.apply(parts).catch(explained))).to.match(
          new RegExp(`^invalid_argument: cannot unpack .*(${why.source})`),
        );
      });
    }

    it("have limits", async () => {
      using site = new Site();
      const bomb = gzipSync(tarOf([tarEntry("zeros"), "\0".repeat(10_000_000)]));
      expect(bomb.length).to.be.lessThan(20_000);
      const limits = { maxBytes: 1_000_000, maxEntries: 3 };
      expect(await refusal(() => site.applyBytes(bomb, "plain", limits).catch(explained))).to.match(
        /^resource_exhausted: .* 1000000 bytes$/,
      );
      const records = paxOf([
        ["GNU.sparse.major", "0"],
        ["GNU.sparse.size", "10000000000"],
      ]);
      const sparse = [records, tarEntry("hole")];
      expect(await refusal(() => site.apply(sparse, "plain", limits))).to.equal(
        "resource_exhausted: cannot unpack a layer: its files have more than 1000000 bytes",
      );
      const many = ["a", "b", "c", "d"].map((name) => tarEntry(name));
      expect(await refusal(() => site.apply(many, "plain", limits))).to.equal(
        "resource_exhausted: cannot unpack a layer: it has more than 3 entries",
      );
      expect(await refusal(() => site.apply([tarEntry("e/f/g/h")], "plain", limits))).to.match(
        /^resource_exhausted: .*more than 3 entries, with the directories they are in$/,
      );
    });

    it("cannot make a directory that is deeper than a path", async () => {
      using site = new Site();
      const deep = "d/".repeat(1000);
      // Each link leads to where the one before has ended.
      const parts = ["a", "b", "c"].flatMap((name, at) => {
        const path = `${at === 0 ? "" : `${"abc"[at - 1]}/`}${deep}x`;
        return [directory(path), link(name, path)];
      });
      expect(await refusal(() => site.apply(parts).catch(explained))).to.match(/^invalid_argument: .*too deep/);
      sh("rm -rf root; mkdir root", site.directory.path);
    });

    it("keep the times of directories below names that are no UTF-8", async () => {
      using site = new Site();
      const time = { seconds: 7, nanoseconds: 0 };
      await site.apply([
        ...["\xff", "\xfe", "\xff/in", "\xfe/in"].map((name) => directory(name, { mtime: time })),
        ...["\xff/in/f", "\xfe/in/f"].map((name) => tarEntry(name)),
      ]);
      expect(site.tree("find . -mindepth 1 -type d -printf '%T@ '")).to.match(/^(?:7\.0+ ?){4}$/);
    });

    it("that swap a directory for a link between two entries stay inside", async () => {
      using site = new Site();
      const swap = (target: string) => [
        directory("d"),
        tarEntry("d/one"),
        link("d", target),
        [tarEntry("d/two"), "x"] as const,
        hardLink("d/three", "d/two"),
        tarEntry("d/.wh.secret"),
        tarEntry("d/.wh..wh..opq"),
        directory("d/deep/er"),
        link("d/deep", target),
        [tarEntry("d/deep/f"), "x"] as const,
      ];
      for (const target of ["../outside", "/../outside", site.outside, "/proc/self/cwd", "/proc/1/root", "/dev/fd/3"]) {
        for (const form of ["plain", "overlay"] as const) await site.apply(swap(target), form);
      }
    });

    it("that are cut are refused", async () => {
      const archive = tarOf([tarEntry("a"), "x".repeat(100_000)]);
      for (const bytes of [archive.subarray(0, 5000), gzipSync(archive).subarray(0, -10)]) {
        using site = new Site();
        expect(await refusal(() => site.applyBytes(bytes))).to.match(/^invalid_argument: /);
      }
    });
  });

  it("lets others run", async function () {
    this.timeout(90_000);
    using site = new Site();
    let turns = 0;
    const timer = setInterval(() => turns++, 1);
    await site.apply(Array.from({ length: 1000 }, (_, n) => tarEntry(`d${n % 50}/f${n}`)));
    clearInterval(timer);
    expect(turns).to.be.greaterThan(2);
  });
});

/** An error whose message has those of its causes. */
function explained(error: unknown): never {
  const parts: string[] = [];
  for (let each: unknown = error; each instanceof Error; each = each.cause) parts.push(each.message);
  if (error instanceof Error) error.message = parts.join(": ");
  throw error;
}
