import {
  chmodSync,
  chownSync,
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { expect } from "chai";
import { explain } from "../../errors.ts";
import { openKernel } from "../../linux/kernel.ts";
import { openRoot } from "../../linux/tree/open.ts";
import { failureOf } from "../../testing/failure.ts";
import { requireRoot } from "../../testing/runtime-site.ts";
import { TemporaryDirectory } from "../../testing/temporary-directory.ts";
import { holdVolumes, type VolumeUse } from "./fill.ts";
import { findHeld, GOING, openVolume, removeHeld } from "./hold.ts";
import { checkVolumeName, listVolumes, readVolume } from "./volume.ts";

const kernel = openKernel();

describe("volumes", () => {
  let folder: TemporaryDirectory;
  let parent: string;

  beforeEach(function () {
    requireRoot(this);
    folder = new TemporaryDirectory();
    parent = folder.at("daemon/namespace");
    mkdirSync(folder.at("image/srv/deep"), { recursive: true });
    writeFileSync(folder.at("image/srv/deep/file"), "from the image");
    linkSync(folder.at("image/srv/deep/file"), folder.at("image/srv/again"));
    symlinkSync("deep/file", folder.at("image/srv/link"));
    symlinkSync("/srv", folder.at("image/absolute"));
    symlinkSync("../../../../../../../../etc", folder.at("image/out"));
    chmodSync(folder.at("image/srv"), 0o1770);
    chownSync(folder.at("image/srv"), 12, 34);
  });

  afterEach(() => folder[Symbol.dispose]());

  const make = (name: string, isAnonymous = false) => openVolume(kernel, parent, { name, labels: {}, isAnonymous });
  const data = (name: string, ...path: readonly string[]) =>
    `${parent}/${name}/_data${path.map((p) => `/${p}`).join("")}`;
  const use = (name: string, target: string, changes: Partial<VolumeUse> = {}): VolumeUse => {
    return { name, target, labels: {}, isAnonymous: false, isFilled: true, ...changes };
  };
  const hold = (...uses: readonly VolumeUse[]) =>
    holdVolumes(kernel, () => openRoot(kernel, folder.at("image")), { directory: parent, uses });

  it("are made once, and found again", async () => {
    {
      using made = await openVolume(kernel, parent, { name: "web", labels: { a: "b" }, isAnonymous: false });
      expect(made.isNew).to.equal(true);
    }
    using again = await make("web", true);
    expect(again.isNew).to.equal(false);
    expect(again.volume).to.deep.include({ name: "web", labels: { a: "b" }, isAnonymous: false });
    expect(listVolumes(kernel, parent).map(({ name }) => name)).to.deep.equal(["web"]);
  });

  it("are listed though their record is torn", async () => {
    (await make("web"))[Symbol.dispose]();
    writeFileSync(`${parent}/web/volume.json`, "{");
    expect(readVolume(kernel, parent, "web")).to.deep.include({ name: "web", createdAt: undefined });
    using again = await make("web");
    expect(again.volume.createdAt).to.be.a("string");
  });

  it("are held by one at a time", async () => {
    const first = await make("web");
    const order: string[] = [];
    const second = make("web").then((held) => {
      order.push("second");
      held[Symbol.dispose]();
    });
    order.push("first");
    first[Symbol.dispose]();
    await second;
    expect(order).to.deep.equal(["first", "second"]);
  });

  it("are gone, with the directories that were made for them, and may be made anew by who waits", async () => {
    const first = await make("web");
    const second = make("web");
    await removeHeld(kernel, parent, first);
    first[Symbol.dispose]();
    {
      using held = await second;
      expect(held.isNew).to.equal(true);
      await removeHeld(kernel, parent, held);
    }
    expect(existsSync(folder.at("daemon"))).to.equal(false);
    expect(await findHeld(kernel, parent, "web")).to.equal(undefined);
  });

  it("are held by a path with links on the way", async () => {
    mkdirSync(folder.at("elsewhere"));
    symlinkSync(folder.at("elsewhere"), folder.at("daemon"));
    using made = await make("web");
    expect(made.isNew).to.equal(true);
    expect(readdirSync(folder.at("elsewhere/namespace"))).to.deep.equal(["web"]);
  });

  it("leave no name behind that somebody could take for a volume", async () => {
    (await make("web"))[Symbol.dispose]();
    mkdirSync(`${parent}/${GOING}x`);
    expect(listVolumes(kernel, parent).map(({ name }) => name)).to.deep.equal(["web"]);
  });

  it("get what the image has in their place, owners and modes with it", async () => {
    using _ = await hold(use("web", "/srv"));
    expect(readFileSync(data("web", "deep/file"), "utf8")).to.equal("from the image");
    expect(statSync(data("web", "again")).ino).to.equal(statSync(data("web", "deep/file")).ino);
    const { mode, uid, gid } = statSync(data("web"));
    expect([mode % 0o10000, uid, gid]).to.deep.equal([0o1770, 12, 34]);
    expect(readdirSync(`${parent}/web`).toSorted()).to.deep.equal(["_data", "volume.json"]);
  });

  it("get it once: what is in them stays", async () => {
    (await hold(use("web", "/srv")))[Symbol.dispose]();
    writeFileSync(data("web", "deep/file"), "changed");
    using _ = await hold(use("web", "/srv"));
    expect(readFileSync(data("web", "deep/file"), "utf8")).to.equal("changed");
  });

  it("get all of it after a copy that was killed", async () => {
    (await make("web"))[Symbol.dispose]();
    writeFileSync(`${parent}/web/filling`, "");
    writeFileSync(data("web", "torn"), "");
    using _ = await hold(use("web", "/srv"));
    expect(readdirSync(data("web")).toSorted()).to.deep.equal(["again", "deep", "link"]);
    expect(existsSync(`${parent}/web/filling`)).to.equal(false);
  });

  const places: readonly (readonly [name: string, target: string, changes: Partial<VolumeUse>, files: number])[] = [
    ["follow links of the image inside the image", "/absolute", {}, 3],
    ["never leave the image", "/out", {}, 0],
    ["stay empty where the image has nothing", "/no/such/place", {}, 0],
    ["stay empty if asked to", "/srv", { isFilled: false }, 0],
  ];
  for (const [name, target, changes, files] of places) {
    it(name, async () => {
      using _ = await hold(use("web", target, changes));
      expect(readdirSync(data("web"))).to.have.length(files);
    });
  }

  it("are not mounted over a file", async () => {
    const failure = await failureOf(hold(use("web", "/srv/deep/file")));
    expect(explain(failure)).to.equal("cannot mount volume web there: /srv/deep/file of the image is no directory");
  });

  it("that have no name of their own are removed when their container is not made", async () => {
    using held = await hold(use("web", "/srv"), use("own", "/tmp", { isAnonymous: true }));
    await held.undo();
    expect(listVolumes(kernel, parent).map(({ name }) => name)).to.deep.equal(["web"]);
  });
});

describe("checkVolumeName()", () => {
  for (const name of ["a", "web.data-1_x", "0"]) it(`takes ${name}`, () => checkVolumeName(name));
  for (const name of ["", ".", "..", "-a", ".removed-x", "a/b", "a b", "a\n", "ä", "a".repeat(129)]) {
    it(`refuses ${JSON.stringify(name.slice(0, 20))}`, () => {
      expect(() => checkVolumeName(name)).to.throw("it must begin with a letter or a digit");
    });
  }
});
