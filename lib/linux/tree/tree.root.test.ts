import { execFileSync } from "node:child_process";
import { mkdirSync, readdirSync, symlinkSync, writeFileSync } from "node:fs";
import { expect } from "chai";
import { listTree } from "../../testing/list-tree.ts";
import { requireRoot } from "../../testing/runtime-site.ts";
import { TemporaryDirectory } from "../../testing/temporary-directory.ts";
import { OPEN } from "../constants/files.ts";
import { OwnedFd } from "../fd.ts";
import { openKernel } from "../kernel.ts";
import { copyTree } from "./copy.ts";
import { makeDirectory, makeLink, openEntry } from "./entries.ts";
import { openBelow, openRoot, RESOLUTION } from "./open.ts";
import { clean, split } from "./paths.ts";
import { removeTree } from "./remove.ts";
import { usageOf, walkTree } from "./walk.ts";

const kernel = openKernel();
const sh = (script: string, cwd: string) => execFileSync("sh", ["-ec", script], { cwd });

/** 200 levels of 100 characters, five times what a path may have, with two siblings each. */
function makeDeep(path: string): void {
  let directory = openRoot(kernel, path).release();
  for (let level = 0; level < 200; level++) {
    const name = "x".repeat(100);
    for (const each of [name, "a", "z"]) makeDirectory(kernel, directory, each, 0o755);
    makeLink(kernel, directory, "link", "/");
    using above = new OwnedFd(kernel, directory);
    directory = openEntry(kernel, above.number, name, OPEN.O_PATH | OPEN.O_DIRECTORY).release();
  }
  kernel.call("close", directory);
}

describe("clean()", () => {
  for (const [path, cleaned] of [
    ["a/b", "a/b"],
    ["/a//b/", "a/b"],
    ["./a/./b/.", "a/b"],
    ["../../a", "a"],
    ["a/../../../b", "b"],
    ["..", ""],
    ["/", ""],
    ["", ""],
    ["a/..", ""],
    ["...", "..."],
  ] as const) {
    it(`makes ${JSON.stringify(path)} ${JSON.stringify(cleaned)}`, () => {
      expect(clean(path)).to.equal(cleaned);
    });
  }

  it("split() takes the last name off", () => {
    expect([split("a/b/c"), split("a")]).to.deep.equal([
      ["a/b", "c"],
      ["", "a"],
    ]);
  });
});

describe("trees by descriptors", () => {
  before(function () {
    requireRoot(this);
  });

  it("removeTree() removes what is deeper than a path can be, and follows no link", async () => {
    using directory = new TemporaryDirectory();
    writeFileSync(directory.at("kept"), "");
    const tree = directory.at("tree");
    mkdirSync(tree);
    symlinkSync("..", `${tree}/up`);
    makeDeep(tree);
    using root = openRoot(kernel, directory.path);
    await removeTree(kernel, root.number, "tree");
    await removeTree(kernel, root.number, "not there");
    expect(readdirSync(directory.path)).to.deep.equal(["kept"]);
    await removeTree(kernel, root.number, "kept");
    expect(readdirSync(directory.path)).to.deep.equal([]);
  });

  it("copyTree() copies everything a tree is made of", async () => {
    using directory = new TemporaryDirectory();
    const [from, to] = [directory.at("from"), directory.at("to")];
    mkdirSync(from);
    mkdirSync(to);
    sh(
      `mkdir -m 1777 d; echo text >d/f; chown 12:3000000 d/f; chmod 4755 d/f; ln d/f hard; ln -s /etc/passwd link
       mknod dev c 1 3; mknod -m 600 pipe p; dd if=/dev/urandom of=sparse bs=4096 seek=99 count=2 2>/dev/null; truncate -s 1M sparse; printf "x$(printf '\\377')y" >"$(printf 'n\\377')"
       setfattr -n user.a -v b d; setfattr -n security.capability -v 0x0100000200040000000000000000000000000000 hard
       head -c 20000000 /dev/urandom >big; touch -h -d '2001-02-03 04:05:06.789' link d/f d big; chown -h 7:8 link`,
      from,
    );
    using source = openRoot(kernel, from);
    using target = openRoot(kernel, to);
    await copyTree(kernel, source.number, target.number);
    expect(listTree(to)).to.deep.equal(listTree(from));
    expect(listTree(to)).to.have.length(9);
    expect(sh("stat -c %b sparse", to).toString()).to.equal("16\n");
  });

  it("usageOf() counts each inode once", async () => {
    using directory = new TemporaryDirectory();
    sh("mkdir d; head -c 8192 /dev/zero >d/a; ln d/a b; ln -s a l; truncate -s 1G d/sparse", directory.path);
    using root = openRoot(kernel, directory.path);
    const expected = Number(execFileSync("du", ["-s", "-B1", directory.path]).toString().split("\t")[0]);
    expect(await usageOf(kernel, root.number)).to.deep.equal({ size: expected, inodes: 5 });
  });

  it("walkTree() passes over what goes away, and does not leave the tree", async () => {
    using directory = new TemporaryDirectory();
    sh("mkdir -p tree/a/b tree/c outside; touch tree/a/b/f outside/secret", directory.path);
    using root = openRoot(kernel, directory.at("tree"));
    const seen: string[] = [];
    for await (const { path } of walkTree(kernel, root.number)) {
      seen.push(path);
      if (path === "a") sh("rm -r a; ln -s ../outside a", directory.at("tree"));
    }
    expect(seen).to.deep.equal(["a", "c"]);
  });

  it("openBelow() stays below, whatever links say", () => {
    using directory = new TemporaryDirectory();
    sh(
      "mkdir -p root/etc; ln -s /etc root/abs; ln -s ../../.. root/up; ln -s /proc/self/root root/magic",
      directory.path,
    );
    using root = openRoot(kernel, directory.at("root"));
    const open = (path: string, resolve: number) => {
      using _ = openBelow(kernel, root.number, path, { flags: OPEN.O_PATH, resolve });
      return "opened";
    };
    expect(open("abs", RESOLUTION.inRoot)).to.equal("opened");
    expect(open("up/etc", RESOLUTION.inRoot)).to.equal("opened");
    expect(() => open("abs/passwd", RESOLUTION.inRoot)).to.throw("ENOENT");
    expect(() => open("magic/etc", RESOLUTION.inRoot)).to.throw("ENOENT");
    expect(() => open("abs", RESOLUTION.noLinks)).to.throw("ELOOP");
    expect(() => open("../root", RESOLUTION.noLinks)).to.throw("EXDEV");
  });
});
