import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { expect } from "chai";
import { ContainerError } from "../errors.ts";
import { requireRoot } from "../testing/runtime-site.ts";
import { TemporaryDirectory } from "../testing/temporary-directory.ts";
import { openKernel } from "./kernel.ts";
import { mount, unmountAll } from "./mount.ts";

const kernel = openKernel();

/** The options of the mount at a path, as the kernel tells them. */
function mountsAt(path: string): readonly string[] {
  const lines = readFileSync("/proc/self/mountinfo", "utf8").split("\n");
  return lines
    .map((line) => line.split(" "))
    .filter((fields) => fields[4] === path)
    .map((fields) => fields[5] ?? "");
}

describe("mount()", () => {
  let folder: TemporaryDirectory;
  let target: string;

  before(function () {
    requireRoot(this);
  });

  beforeEach(() => {
    folder = new TemporaryDirectory();
    target = folder.at("target");
    mkdirSync(target);
  });

  afterEach(() => {
    unmountAll(kernel, target);
    folder[Symbol.dispose]();
  });

  it("mounts with flags and with what the filesystem itself is told", () => {
    mount(
      kernel,
      { type: "tmpfs", source: "tmpfs", options: ["nosuid", "nodev", "exec", "size=64k", "mode=711"] },
      target,
    );
    expect(mountsAt(target)).to.deep.equal(["rw,nosuid,nodev,relatime"]);
    expect(() => writeFileSync(`${target}/large`, new Uint8Array(100_000))).to.throw(/ENOSPC/);
  });

  it("makes a bind read-only, which takes a second call", () => {
    const source = folder.at("source");
    mkdirSync(source);
    writeFileSync(`${source}/file`, "here");
    mount(kernel, { type: "bind", source, options: ["rbind", "ro", "rprivate"] }, target);
    expect(readFileSync(`${target}/file`, "utf8")).to.equal("here");
    expect(() => writeFileSync(`${target}/file`, "x")).to.throw(/EROFS/);
  });

  it("mounts an overlay of more layers than a page of options has room for", () => {
    const layers = Array.from({ length: 100 }, (_, index) => folder.at("snapshots".repeat(4), String(index), "fs"));
    for (const [index, layer] of layers.entries()) {
      mkdirSync(layer, { recursive: true });
      writeFileSync(`${layer}/file${index}`, String(index));
    }
    const [upper, work] = ["upper", "work"].map((name) => folder.at(name));
    for (const directory of [upper, work]) mkdirSync(directory ?? "");
    const options = [`lowerdir=${layers.join(":")}`, `upperdir=${upper}`, `workdir=${work}`, "index=off"];
    expect(options.join().length).to.be.greaterThan(4_096);
    mount(kernel, { type: "overlay", source: "overlay", options }, target);
    expect(readFileSync(`${target}/file99`, "utf8")).to.equal("99");
  });

  it("names what it could not mount", () => {
    const request = { type: "tmpfs", source: "none", options: ["nonsense=1"] };
    expect(() => mount(kernel, request, target)).to.throw(ContainerError, `cannot mount tmpfs from none on ${target}`);
  });

  it("refuses options that no page holds", () => {
    const request = { type: "tmpfs", source: "none", options: [`x=${"y".repeat(5_000)}`] };
    expect(() => mount(kernel, request, target)).to.throw(ContainerError, /its options are too long/);
  });
});

describe("unmountAll()", () => {
  before(function () {
    requireRoot(this);
  });

  it("takes every layer off, and minds neither a directory nor nothing", () => {
    using folder = new TemporaryDirectory();
    for (let layer = 0; layer < 3; layer++) mount(kernel, { type: "tmpfs", source: "none", options: [] }, folder.path);
    expect(mountsAt(folder.path)).to.have.length(3);
    for (let round = 0; round < 2; round++) unmountAll(kernel, folder.path);
    expect(mountsAt(folder.path)).to.deep.equal([]);
    unmountAll(kernel, folder.at("missing"));
  });
});
