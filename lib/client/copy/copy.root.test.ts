import {
  chmodSync,
  chownSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { expect } from "chai";
import { explain } from "../../errors.ts";
import { openKernel } from "../../linux/kernel.ts";
import { openRoot } from "../../linux/tree/open.ts";
import { chunksOf, tarEntry, tarOf } from "../../testing/layers.ts";
import { requireRoot } from "../../testing/runtime-site.ts";
import { TemporaryDirectory } from "../../testing/temporary-directory.ts";
import { type CopyOptions, copyTree, packPlace, parseCopyPath, unpackPlace } from "./copy.ts";

const kernel = openKernel();

/** A machine and a container, as two directories beside something that nobody may touch. */
class Trial implements Disposable {
  readonly #folder = new TemporaryDirectory();
  readonly #container = this.#open("container");
  readonly #host = this.#open("host");
  readonly warnings: string[] = [];

  constructor() {
    mkdirSync(this.#folder.at("secret"));
    writeFileSync(this.#folder.at("secret/file"), "secret");
  }

  #open(name: string) {
    mkdirSync(this.#folder.at(name));
    return openRoot(kernel, this.#folder.at(name));
  }

  inside(path = ""): string {
    return this.#folder.at("container", path);
  }

  outside(path = ""): string {
    return this.#folder.at("host", path);
  }

  get secret(): readonly string[] {
    return readdirSync(this.#folder.at("secret")).map((name) => readFileSync(this.#folder.at("secret", name), "utf8"));
  }

  /** As `cp` does; one of the paths begins with `c:`. Gives what was said of a failure. */
  async copy(from: string, to: string, options: Partial<CopyOptions> = {}): Promise<string> {
    try {
      await copyTree(kernel, this.#place(from), this.#place(to), this.#options(from.startsWith("c:"), options));
      return "";
    } catch (error) {
      return explain(error);
    }
  }

  async pack(from: string): Promise<Uint8Array> {
    const parts: Uint8Array[] = [];
    for await (const part of packPlace(kernel, this.#place(from), this.#options(true, {}))) parts.push(part);
    return Buffer.concat(parts);
  }

  async unpack(archive: Uint8Array, to: string): Promise<string> {
    try {
      await unpackPlace(kernel, chunksOf(archive), this.#place(to), this.#options(false, {}));
      return "";
    } catch (error) {
      return explain(error);
    }
  }

  #place(text: string) {
    const isInside = text.startsWith("c:");
    const root = isInside ? this.#container : this.#host;
    return { root: root.number, label: isInside ? "c:" : "", path: isInside ? text.slice(2) : text };
  }

  #options(isOut: boolean, options: Partial<CopyOptions>): CopyOptions {
    const looks = { owner: { uid: 0, gid: 0 }, mayPrivilege: !isOut };
    return { follow: false, looks, warn: (message) => this.warnings.push(message), ...options };
  }

  [Symbol.dispose](): void {
    this.#container.close();
    this.#host.close();
    this.#folder[Symbol.dispose]();
  }
}

describe("tsctr cp", () => {
  let trial: Trial;

  before(function () {
    requireRoot(this);
  });

  beforeEach(() => {
    trial = new Trial();
    mkdirSync(trial.outside("src/sub"), { recursive: true });
    writeFileSync(trial.outside("src/one"), "1");
    writeFileSync(trial.outside("src/sub/two"), "2");
    symlinkSync("one", trial.outside("src/link"));
    mkdirSync(trial.inside("there"));
    writeFileSync(trial.inside("file"), "old");
  });

  afterEach(() => trial[Symbol.dispose]());

  describe("names the copy as docker does", () => {
    const cases: readonly (readonly [string, string, string, string])[] = [
      ["a directory that is new", "/src", "c:/new", "new/sub/two"],
      ["a directory that is new, with a slash", "/src/", "c:/new/", "new/sub/two"],
      ["a directory into one that is there", "/src", "c:/there", "there/src/sub/two"],
      ["what is in a directory, into one that is there", "/src/.", "c:/there", "there/sub/two"],
      ["what is in a directory, into a new one", "/src/.", "c:/new", "new/sub/two"],
      ["a file by a new name", "/src/one", "c:/new", "new"],
      ["a file into a directory", "/src/one", "c:/there", "there/one"],
      ["a file into a directory, with a slash", "/src/one", "c:/there/", "there/one"],
      ["a file in the place of another", "/src/one", "c:/file", "file"],
      ["a file to a path without a slash at its beginning", "/src/one", "c:there/x", "there/x"],
      ["into the root", "/src/one", "c:/", "one"],
      ["a path with dots", "/src/../src/./sub/two", "c:/there/../there/two", "there/two"],
    ];
    for (const [name, from, to, made] of cases) {
      it(name, async () => {
        expect(await trial.copy(from, to)).to.equal("");
        expect(readFileSync(trial.inside(made), "utf8")).to.equal(/two$/.test(made) ? "2" : "1");
      });
    }
  });

  describe("refuses", () => {
    const cases: readonly (readonly [string, string, string, RegExp])[] = [
      ["what is not there", "/nope", "c:/x", /cannot copy \/nope: there is no such file/],
      ["a file to a directory that is not there", "/src/one", "c:/new/", /c:\/new\/: there is no such directory/],
      ["what is below what is not there", "/src/one", "c:/new/x", /ENOENT/],
      ["a directory in the place of a file", "/src", "c:/file", /it is no directory, and a directory is to be copied/],
      ["a file below a file", "/src/one", "c:/file/x", /ENOTDIR/],
      ["a file as a directory", "/src/one/.", "c:/x", /ENOTDIR/],
    ];
    for (const [name, from, to, why] of cases) {
      it(name, async () => {
        expect(await trial.copy(from, to)).to.match(why);
        expect(readdirSync(trial.inside()).sort()).to.deep.equal(["file", "there"]);
      });
    }

    it("a directory and a file that would take each other's place further down", async () => {
      mkdirSync(trial.inside("there/src/one"), { recursive: true });
      expect(await trial.copy("/src", "c:/there")).to.match(/src\/one: a directory is there, and this is what is no/);
      mkdirSync(trial.inside("again/src"), { recursive: true });
      writeFileSync(trial.inside("again/src/sub"), "");
      expect(await trial.copy("/src", "c:/again")).to.match(/src\/sub: what is no directory is there/);
    });
  });

  it("keeps links, hard links, modes and times", async () => {
    linkSync(trial.outside("src/one"), trial.outside("src/two"));
    chmodSync(trial.outside("src/sub"), 0o1700);
    expect(await trial.copy("/src", "c:/new")).to.equal("");
    expect(readlinkSync(trial.inside("new/link"))).to.equal("one");
    expect(lstatSync(trial.inside("new/one")).ino).to.equal(lstatSync(trial.inside("new/two")).ino);
    const [copy, original] = [trial.inside("new/sub"), trial.outside("src/sub")].map((path) => lstatSync(path));
    expect(copy?.mode).to.equal(original?.mode);
    expect(copy?.mtimeMs).to.equal(original?.mtimeMs);
  });

  it("follows the link that is named, if asked", async () => {
    expect(await trial.copy("/src/link", "c:/a")).to.equal("");
    expect(readlinkSync(trial.inside("a"))).to.equal("one");
    expect(await trial.copy("/src/link", "c:/b", { follow: true })).to.equal("");
    expect(readFileSync(trial.inside("b"), "utf8")).to.equal("1");
  });

  it("gives files to who is to own them, or leaves them whose they are", async () => {
    chownSync(trial.outside("src/one"), 12, 34);
    const owned = { owner: { uid: 5, gid: 6 }, mayPrivilege: true };
    expect(await trial.copy("/src", "c:/new", { looks: owned })).to.equal("");
    expect(lstatSync(trial.inside("new/one"))).to.include({ uid: 5, gid: 6 });
    expect(await trial.copy("/src", "c:/kept", { looks: { owner: undefined, mayPrivilege: true } })).to.equal("");
    expect(lstatSync(trial.inside("kept/one"))).to.include({ uid: 12, gid: 34 });
  });

  it("brings no privileges out of a container", async () => {
    writeFileSync(trial.inside("there/tool"), "x");
    chmodSync(trial.inside("there/tool"), 0o6755);
    Bun.spawnSync({ cmd: ["mknod", trial.inside("there/device"), "c", "1", "3"] });
    expect(await trial.copy("c:/there", "/out")).to.equal("");
    expect(readdirSync(trial.outside("out"))).to.deep.equal(["tool"]);
    expect((lstatSync(trial.outside("out/tool")).mode % 0o10000).toString(8)).to.equal("755");
    expect(trial.warnings.join()).to.match(/out\/device is a device: left out/);
  });

  it("follows a container's links as the container would, and never out of it", async () => {
    symlinkSync("../../../../secret", trial.inside("relative"));
    symlinkSync("/secret", trial.inside("absolute"));
    symlinkSync("/", trial.inside("root"));
    for (const link of ["relative", "absolute", "root/../../secret"]) {
      expect(await trial.copy(`c:/${link}/file`, "/stolen")).to.match(/ENOENT/);
      expect(await trial.copy("/src/one", `c:/${link}/file`)).to.match(/ENOENT/);
      expect(await trial.copy(`c:/${link}`, "/stolen", { follow: true })).to.match(/there is no such file/);
    }
    expect(existsSync(trial.outside("stolen"))).to.equal(false);
    expect(trial.secret).to.deep.equal(["secret"]);
  });

  it("follows no link below the destination", async () => {
    mkdirSync(trial.inside("there/src"));
    symlinkSync("/", trial.inside("there/src/sub"));
    expect(await trial.copy("/src", "c:/there")).to.match(/src\/sub/);
    symlinkSync("../../../secret", trial.outside("planted"));
    mkdirSync(trial.inside("there/planted"));
    writeFileSync(trial.inside("there/planted/evil"), "evil");
    expect(await trial.copy("c:/there/.", "/")).to.match(/planted/);
    expect(trial.secret).to.deep.equal(["secret"]);
  });

  it("writes no entry of an archive outside", async () => {
    const archives = [
      tarOf([tarEntry("../../secret/evil"), "evil"]),
      tarOf([tarEntry("/../secret/evil"), "evil"]),
      tarOf(tarEntry("l", { type: "link", target: "../../secret" }), [tarEntry("l/evil"), "evil"]),
      tarOf(tarEntry("h", { type: "hard link", target: "../../secret/file" })),
      tarOf(
        tarEntry("l", { type: "link", target: "/" }),
        tarEntry("h", { type: "hard link", target: "l/secret/file" }),
      ),
    ];
    for (const archive of archives) await trial.unpack(archive, "c:/there");
    expect(trial.secret).to.deep.equal(["secret"]);
    expect(await trial.unpack(archives[0] ?? new Uint8Array(), "c:/none")).to.match(/ENOENT/);
    expect(await trial.unpack(new Uint8Array(2000).fill(7), "c:/there")).to.match(/invalid tar archive/);
  });

  it("packs what it can unpack, and makes the directories that an archive leaves out", async () => {
    expect(await trial.copy("/src", "c:/new")).to.equal("");
    expect(await trial.unpack(await trial.pack("c:/new"), "c:/there")).to.equal("");
    expect(readFileSync(trial.inside("there/new/sub/two"), "utf8")).to.equal("2");
    expect(await trial.unpack(await trial.pack("c:/new/."), "c:/there")).to.equal("");
    expect(readFileSync(trial.inside("there/sub/two"), "utf8")).to.equal("2");
    expect(await trial.unpack(tarOf([tarEntry("a/b/c"), "x"]), "c:/there")).to.equal("");
    expect(readFileSync(trial.inside("there/a/b/c"), "utf8")).to.equal("x");
  });
});

describe("parseCopyPath()", () => {
  const cases: readonly (readonly [string, string | undefined, string])[] = [
    ["web:/etc", "web", "/etc"],
    ["web:", "web", ""],
    ["web:a:b", "web", "a:b"],
    ["./web:x", undefined, "./web:x"],
    ["/web:x", undefined, "/web:x"],
    ["plain", undefined, "plain"],
    ["-", undefined, "-"],
    [":x", undefined, ":x"],
  ];
  for (const [text, container, path] of cases) {
    it(`takes ${text}`, () => {
      expect(parseCopyPath(text)).to.deep.equal({ container, path });
    });
  }
});
