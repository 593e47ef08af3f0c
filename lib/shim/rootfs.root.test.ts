import { chownSync, existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { expect } from "chai";
import { waitForChild } from "../linux/executor.ts";
import { openKernel } from "../linux/kernel.ts";
import type { Waits } from "../runtime/waits.ts";
import { failureOf } from "../testing/failure.ts";
import { requireRoot } from "../testing/runtime-site.ts";
import { TemporaryDirectory } from "../testing/temporary-directory.ts";
import { mountRootfs, type RootfsMount, unmountRootfs } from "./rootfs.ts";

const kernel = openKernel();
/** These block: nobody else is served here. */
const waits: Waits = {
  readable: () => Promise.resolve(),
  exited: (pid) => Promise.resolve(waitForChild(kernel, pid, true) ?? { code: -1, signal: undefined }),
  reap: (pid) => waitForChild(kernel, pid, false),
};
const machine = { kernel, waits };
const MAPS = ["uidmap=0:100000:1000,1000:300000:10", "gidmap=0:200000:65536"];

describe("mountRootfs()", () => {
  let folder: TemporaryDirectory;

  before(function () {
    requireRoot(this);
  });

  beforeEach(() => {
    folder = new TemporaryDirectory();
  });

  afterEach(() => {
    unmountRootfs(kernel, folder.path);
    folder[Symbol.dispose]();
  });

  /** Directories with a file each, of root but for that of the last, and an overlay of them with mapped ids. */
  function overlay(count: number): RootfsMount {
    const layers = Array.from({ length: count }, (_, index) => folder.at(`layer${index}`));
    const [upper, work] = [folder.at("upper"), folder.at("work")];
    for (const directory of [...layers, upper, work]) mkdirSync(directory);
    for (const [index, layer] of layers.entries()) writeFileSync(`${layer}/file${index}`, "");
    chownSync(`${layers.at(-1)}/file${count - 1}`, 1003, 7);
    const options = [`workdir=${work}`, `upperdir=${upper}`, `lowerdir=${layers.join(":")}`, ...MAPS];
    return { type: "overlay", source: "overlay", target: "", options };
  }

  /** Others mount, too, meanwhile. */
  const mounts = () =>
    readFileSync("/proc/self/mountinfo", "utf8")
      .split("\n")
      .filter((line) => line.includes(folder.path));

  const ownerOf = (path: string) => {
    const { uid, gid } = statSync(path);
    return `${uid}:${gid}`;
  };

  it("maps the ids of an overlay's layers, and leaves nothing else mounted", async () => {
    const request = overlay(120);
    await mountRootfs(machine, folder.path, [request]);
    const rootfs = folder.at("rootfs");
    expect(ownerOf(`${rootfs}/file0`)).to.equal("100000:200000");
    expect(ownerOf(`${rootfs}/file119`)).to.equal("300003:200007");
    expect(ownerOf(folder.at("layer0/file0"))).to.equal("0:0");
    writeFileSync(`${rootfs}/new`, "");
    expect(existsSync(folder.at("upper/new"))).to.equal(true);
    expect(mounts().length).to.equal(1);
    unmountRootfs(kernel, folder.path, [request]);
    expect(mounts()).to.deep.equal([]);
  });

  it("maps the ids of a bind that is read-only", async () => {
    const source = folder.at("source");
    mkdirSync(source);
    writeFileSync(`${source}/file`, "");
    await mountRootfs(machine, folder.path, [{ type: "bind", source, target: "", options: ["rbind", "ro", ...MAPS] }]);
    expect(ownerOf(folder.at("rootfs/file"))).to.equal("100000:200000");
    expect(() => writeFileSync(folder.at("rootfs/other"), "")).to.throw(/EROFS/);
  });

  const refusals = [
    { name: "one of both maps", change: (options: readonly string[]) => options.slice(0, -1), says: /alone/ },
    { name: "a wrong map", change: (options: readonly string[]) => [...options, "gidmap=0:x:1"], says: /"0:x:1"/ },
    {
      name: "a layer that is not there",
      change: (options: readonly string[]) => [...options, "lowerdir=/nonesuch"],
      says: /cannot map the ids of \/nonesuch: no such file or directory \(ENOENT\)/,
    },
    {
      name: "an option that overlayfs does not know",
      change: (options: readonly string[]) => [...options, "nonesuch=1"],
      says: /cannot mount overlay with mapped ids .*invalid argument \(EINVAL\)/,
    },
  ];
  for (const { name, change, says } of refusals) {
    it(`refuses ${name}, and leaves nothing mounted`, async () => {
      const request = overlay(2);
      const asked = mountRootfs(machine, folder.path, [{ ...request, options: change(request.options) }]);
      expect(String(await failureOf(asked))).to.match(says);
      expect(mounts()).to.deep.equal([]);
    });
  }
});
