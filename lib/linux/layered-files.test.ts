import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { expect } from "chai";
import { describe, it } from "mocha";
import { TemporaryDirectory } from "../testing/temporary-directory.ts";
import { openKernel } from "./kernel.ts";
import { findLayeredText, layersOf } from "./layered-files.ts";

describe("findLayeredText()", () => {
  const folder = new TemporaryDirectory();
  const kernel = openKernel();
  const [upper, middle, lower] = ["upper", "middle", "lower"].map((name) => folder.at(name)) as [
    string,
    string,
    string,
  ];
  const layers = [upper, middle, lower];

  const write = (layer: string, path: string, text: string) => {
    mkdirSync(dirname(`${layer}/${path}`), { recursive: true });
    writeFileSync(`${layer}/${path}`, text);
  };
  const link = (layer: string, path: string, target: string) => {
    mkdirSync(dirname(`${layer}/${path}`), { recursive: true });
    symlinkSync(target, `${layer}/${path}`);
  };

  before(() => {
    for (const layer of layers) mkdirSync(layer);
    writeFileSync(folder.at("secret"), "the host's");
    write(lower, "etc/passwd", "lower");
    write(lower, "etc/group", "group of lower");
    write(middle, "etc/passwd", "middle");
    write(lower, "usr/lib/group", "moved");
    link(middle, "etc/absolute", "/usr/lib/group");
    link(middle, "etc/relative", "../usr/./lib/group");
    link(upper, "etc/out", "../../../../secret");
    link(upper, "etc/host", folder.at("secret"));
    link(upper, "etc/loop", "loop");
    link(upper, "lib", "usr/lib");
    write(upper, "usr/lib/own", "upper");
    write(lower, "hidden/file", "under a file");
    write(upper, "hidden", "a file");
    mkdirSync(`${upper}/etc/directory`);
  });
  after(() => folder[Symbol.dispose]());

  const cases = {
    "/etc/passwd": "middle",
    "/etc/group": "group of lower",
    "etc/absolute": "moved",
    "/etc/relative": "moved",
    "/lib/group": "moved",
    "/lib/own": "upper",
    "/../../etc/../etc/group": "group of lower",
    "/etc/out": undefined,
    "/etc/host": undefined,
    "/etc/loop": undefined,
    "/etc/directory": undefined,
    "/hidden/file": undefined,
    "/etc/passwd/more": undefined,
    "/nothing": undefined,
    "/": undefined,
  };
  for (const [path, text] of Object.entries(cases)) {
    it(`${text === undefined ? "finds nothing at" : "reads"} ${path}`, () => {
      expect(findLayeredText(kernel, layers, path)).to.equal(text);
    });
  }

  it("passes over layers that are gone", () => {
    expect(findLayeredText(kernel, [folder.at("gone"), lower], "/etc/passwd")).to.equal("lower");
  });
});

describe("layersOf()", () => {
  it("knows how snapshots are mounted", () => {
    const overlay = ["index=off", "workdir=/s/3/work", "upperdir=/s/3/fs", "lowerdir=/s/2/fs:/s/1/fs"];
    const mount = (type: string, options: readonly string[]) => [{ type, source: "/s/1/fs", options }];
    expect(layersOf(mount("overlay", overlay))).to.deep.equal(["/s/3/fs", "/s/2/fs", "/s/1/fs"]);
    expect(layersOf(mount("overlay", overlay.slice(3)))).to.deep.equal(["/s/2/fs", "/s/1/fs"]);
    expect(layersOf(mount("bind", ["rw", "rbind"]))).to.deep.equal(["/s/1/fs"]);
    expect(layersOf(mount("ext4", []))).to.equal(undefined);
    expect(layersOf([])).to.equal(undefined);
  });
});
