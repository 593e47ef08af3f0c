import { chmodSync, chownSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { expect } from "chai";
import { FILE_TYPE } from "../linux/constants/files.ts";
import { openKernel } from "../linux/kernel.ts";
import { makeNode } from "../linux/tree/entries.ts";
import { openRoot } from "../linux/tree/open.ts";
import { requireRoot } from "../testing/runtime-site.ts";
import { TemporaryDirectory } from "../testing/temporary-directory.ts";
import { allDevices, findDevices } from "./devices.ts";

const kernel = openKernel();

describe("findDevices()", () => {
  let folder: TemporaryDirectory;

  before(function () {
    requireRoot(this);
    folder = new TemporaryDirectory();
    mkdirSync(folder.at("some"));
    mkdirSync(folder.at("none"));
    using root = openRoot(kernel, folder.at("some"));
    makeNode(kernel, root.number, "zero", { type: FILE_TYPE.S_IFCHR, mode: 0o600, major: 1, minor: 5 });
    makeNode(kernel, root.number, "disk", { type: FILE_TYPE.S_IFBLK, mode: 0o600, major: 7, minor: 3 });
    chmodSync(folder.at("some/zero"), 0o640);
    chownSync(folder.at("some/zero"), 3, 4);
    writeFileSync(folder.at("some/file"), "");
    symlinkSync("some/disk", folder.at("link"));
    symlinkSync("disk", folder.at("some/again"));
  });

  after(() => folder[Symbol.dispose]());

  const find = (source: string, target: string, access = "rwm") =>
    findDevices(kernel, [{ source: folder.at(source), target, access }]);

  it("describes a device as it is on the host", () => {
    const { devices, rules } = find("some/zero", "/dev/z", "rw");
    expect(devices).to.deep.equal([{ path: "/dev/z", type: "c", major: 1, minor: 5, fileMode: 0o640, uid: 3, gid: 4 }]);
    expect(rules).to.deep.equal([{ allow: true, type: "c", major: 1, minor: 5, access: "rw" }]);
  });

  it("follows a link", () => {
    expect(find("link", "/dev/disk").devices).to.deep.include({
      ...{ path: "/dev/disk", type: "b", major: 7, minor: 3, fileMode: 0o600, uid: 0, gid: 0 },
    });
  });

  it("takes the devices of a directory, each once", () => {
    const { devices } = find("some", "/dev/in");
    expect(devices.map(({ path }) => path)).to.have.members(["/dev/in/disk", "/dev/in/zero"]);
  });

  it("takes the last of two at one place", () => {
    const request = (name: string) => ({ source: folder.at("some", name), target: "/dev/x", access: "r" });
    const { devices, rules } = findDevices(kernel, [request("zero"), request("disk")]);
    expect(devices.map(({ type }) => type)).to.deep.equal(["b"]);
    expect(rules).to.have.length(2);
  });

  for (const [source, why] of [
    ["gone", "there is no such file"],
    ["some/file", "it is no device"],
    ["none", "it is a directory without any"],
  ] as const) {
    it(`refuses: ${why}`, () => expect(() => find(source, "/dev/x")).to.throw(`${source}: ${why}`));
  }
});

describe("allDevices()", () => {
  it("leaves out what every container has", () => {
    const paths = allDevices(kernel).map(({ path }) => path);
    expect(paths).to.not.include.members(["/dev/null"]).and.not.include.members(["/dev/ptmx"]);
    expect(paths.filter((path) => path.startsWith("/dev/pts/"))).to.deep.equal([]);
  });
});
