import { mkdirSync, readFileSync, statSync, symlinkSync, truncateSync, writeFileSync } from "node:fs";
import { expect } from "chai";
import { describe, it } from "mocha";
import { SyscallError } from "../errors.ts";
import { FakeKernel } from "../testing/fake-kernel.ts";
import { TemporaryDirectory } from "../testing/temporary-directory.ts";
import { FILE_TYPE, FILESYSTEM_MAGIC } from "./constants/files.ts";
import {
  createText,
  exists,
  filesystemOf,
  findBytes,
  findLink,
  findStatus,
  findText,
  isDirectory,
  isErrno,
  listDirectory,
  makeDirectories,
  makeDirectory,
  readText,
  realDirectory,
  removeEmptyDirectory,
  removeFile,
  renameFile,
  replaceFile,
  writeText,
} from "./files.ts";
import { openKernel } from "./kernel.ts";

const kernel = openKernel();

/** The descriptors of this process. */
function openDescriptors(): readonly string[] {
  return listDirectory(kernel, "/proc/self/fd").map(({ name }) => name);
}

describe("readText() and findText()", () => {
  for (const size of [0, 1, 16_383, 16_384, 16_385, 65_536, 1_000_000]) {
    it(`read ${size} bytes`, () => {
      using directory = new TemporaryDirectory();
      const text = "0123456789abcdef\n".repeat(size / 17 + 1).slice(0, size);
      writeFileSync(directory.at("file"), text);
      expect(readText(kernel, directory.at("file"))).to.equal(text);
    });
  }

  it("refuse what is too large", () => {
    using directory = new TemporaryDirectory();
    writeFileSync(directory.at("file"), "");
    truncateSync(directory.at("file"), (16 << 20) + 1);
    const path = directory.at("file");
    expect(() => readText(kernel, path)).to.throw(SyscallError, `cannot read ${path}: it is too large`);
  });

  it("read short reads to the end", () => {
    const short = new FakeKernel({ files: { "/x": "abc".repeat(20_000) } });
    expect(readText(short, "/x")).to.equal("abc".repeat(20_000));
    expect(short.openFds).to.equal(0);
  });

  it("findText() is undefined for what is not there, and below a file", () => {
    using directory = new TemporaryDirectory();
    writeFileSync(directory.at("file"), "");
    expect(findText(kernel, directory.at("none"))).to.equal(undefined);
    expect(findText(kernel, directory.at("file", "x"))).to.equal(undefined);
  });

  it("findText() takes no other errno for that, unless told to", () => {
    using directory = new TemporaryDirectory();
    expect(() => findText(kernel, directory.path)).to.throw(SyscallError, "is a directory (EISDIR)");
    expect(findText(kernel, directory.path, "EISDIR")).to.equal(undefined);
    expect(() => findText(kernel, directory.at("none"), "EISDIR")).to.throw(SyscallError, "(ENOENT)");
  });

  it("leave no descriptor behind", () => {
    using directory = new TemporaryDirectory();
    const before = openDescriptors();
    findText(kernel, directory.path, "EISDIR");
    findText(kernel, directory.at("none"));
    expect(openDescriptors()).to.deep.equal(before);
  });
});

describe("writing", () => {
  it("writeText() needs a file, and goes on after a short write", () => {
    using directory = new TemporaryDirectory();
    expect(() => writeText(kernel, directory.at("none"), "x")).to.throw(SyscallError, "(ENOENT)");
    const parts: number[] = [];
    const short = new FakeKernel({
      files: { "/x": "" },
      answers: { write: (_fd, _bytes, length) => parts.push(Number(length)) && Math.min(Number(length), 4) },
    });
    writeText(short, "/x", "0123456789");
    expect(parts).to.deep.equal([10, 6, 2]);
  });

  it("createText() makes a file once, with its mode", () => {
    using directory = new TemporaryDirectory();
    createText(kernel, directory.at("file"), "ä\n", 0o600);
    expect(readFileSync(directory.at("file"), "utf8")).to.equal("ä\n");
    expect(statSync(directory.at("file")).mode & 0o777).to.equal(0o600);
    expect(() => createText(kernel, directory.at("file"), "x", 0o600)).to.throw(SyscallError, "(EEXIST)");
    expect(readFileSync(directory.at("file"), "utf8")).to.equal("ä\n");
  });

  it("replaceFile() replaces all, and leaves nothing beside it", () => {
    using directory = new TemporaryDirectory();
    writeFileSync(directory.at("file"), "a long text");
    writeFileSync(directory.at("file.new"), "what a writer that died has left, and it is longer");
    replaceFile(kernel, directory.at("file"), "short", 0o600);
    expect(readFileSync(directory.at("file"), "utf8")).to.equal("short");
    expect(listDirectory(kernel, directory.path)).to.deep.equal([{ name: "file", isDirectory: false }]);
  });

  it("replaceFile() takes bytes, too", () => {
    using directory = new TemporaryDirectory();
    replaceFile(kernel, directory.at("file"), Uint8Array.of(0, 255, 10), 0o600);
    expect([...(findBytes(kernel, directory.at("file")) ?? [])]).to.deep.equal([0, 255, 10]);
    expect(findBytes(kernel, directory.at("none"))).to.equal(undefined);
  });

  it("renameFile() names both", () => {
    using directory = new TemporaryDirectory();
    const [from, to] = [directory.at("a"), directory.at("b")];
    expect(() => renameFile(kernel, from, to)).to.throw(`cannot rename ${from} to ${to}: no such file`);
  });

  it("removeFile() is content when it is gone already, and only then", () => {
    using directory = new TemporaryDirectory();
    writeFileSync(directory.at("file"), "");
    removeFile(kernel, directory.at("file"));
    removeFile(kernel, directory.at("file"));
    expect(exists(kernel, directory.at("file"))).to.equal(false);
    expect(() => removeFile(kernel, directory.path)).to.throw(SyscallError, "(EISDIR)");
  });
});

describe("directories", () => {
  it("makeDirectory() makes one", () => {
    using directory = new TemporaryDirectory();
    makeDirectory(kernel, directory.at("a"), 0o711);
    expect(statSync(directory.at("a")).mode & 0o777).to.equal(0o711);
    expect(() => makeDirectory(kernel, directory.at("a"), 0o711)).to.throw(SyscallError, "(EEXIST)");
    expect(() => makeDirectory(kernel, directory.at("b", "c"), 0o711)).to.throw(SyscallError, "(ENOENT)");
  });

  it("makeDirectories() makes those above, too, and may be repeated", () => {
    using directory = new TemporaryDirectory();
    makeDirectories(kernel, directory.at("a", "b", "c"), 0o700);
    makeDirectories(kernel, directory.at("a", "b", "c"), 0o700);
    expect(isDirectory(kernel, directory.at("a", "b", "c"))).to.equal(true);
    writeFileSync(directory.at("file"), "");
    expect(() => makeDirectories(kernel, directory.at("file", "x", "y"), 0o700)).to.throw(SyscallError, "(ENOTDIR)");
  });

  it("listDirectory() lists all of many entries, without . and ..", () => {
    using directory = new TemporaryDirectory();
    const names = Array.from({ length: 500 }, (_, index) => `${"entry".repeat(8)}-${index}`);
    for (const name of names) writeFileSync(directory.at(name), "");
    mkdirSync(directory.at("...folder"));
    const entries = listDirectory(kernel, directory.path);
    expect(entries.map(({ name }) => name).sort()).to.deep.equal([...names, "...folder"].sort());
    expect(entries.filter((entry) => entry.isDirectory)).to.deep.equal([{ name: "...folder", isDirectory: true }]);
  });

  it("listDirectory() gives none for what is not there", () => {
    using directory = new TemporaryDirectory();
    writeFileSync(directory.at("file"), "");
    expect(listDirectory(kernel, directory.at("none"))).to.deep.equal([]);
    expect(listDirectory(kernel, directory.at("file"))).to.deep.equal([]);
    expect(() => listDirectory(kernel, directory.at("none"), "EACCES")).to.throw(SyscallError, "(ENOENT)");
  });

  it("removeEmptyDirectory() gives the errno", () => {
    using directory = new TemporaryDirectory();
    makeDirectories(kernel, directory.at("a", "b"), 0o700);
    const errnos = [directory.at("a"), directory.at("a", "b"), directory.at("a", "b")].map((path) =>
      removeEmptyDirectory(kernel, path),
    );
    expect(errnos).to.deep.equal([-39, 0, -2]);
  });

  it("realDirectory() follows links", () => {
    using directory = new TemporaryDirectory();
    const real = realDirectory(kernel, directory.path, "test");
    makeDirectories(kernel, directory.at("a", "b"), 0o700);
    symlinkSync("a/b", directory.at("link"));
    writeFileSync(directory.at("file"), "");
    expect(realDirectory(kernel, `${directory.path}/./link/..//b`, "test")).to.equal(`${real}/a/b`);
    expect(() => realDirectory(kernel, directory.at("file"), "enter")).to.throw("cannot enter: not a directory");
  });
});

describe("looking", () => {
  it("findStatus() knows types and devices, by path and by descriptor", () => {
    const zero = { type: FILE_TYPE.S_IFCHR, uid: 0, deviceMajor: 1, deviceMinor: 5 };
    expect(findStatus(kernel, "/dev/zero")).to.deep.include(zero);
    expect(findStatus(kernel, "/proc/self/root")?.type).to.equal(FILE_TYPE.S_IFDIR);
    expect(findStatus(kernel, 0)).to.not.equal(undefined);
    expect([findStatus(kernel, "/none"), findStatus(kernel, 1_000_000)]).to.deep.equal([undefined, undefined]);
  });

  it("findLink() reads a link, and nothing else", () => {
    using directory = new TemporaryDirectory();
    symlinkSync("some/where", directory.at("link"));
    expect(findLink(kernel, directory.at("link"))).to.equal("some/where");
    expect([findLink(kernel, directory.path), findLink(kernel, directory.at("none"))]).to.deep.equal([
      undefined,
      undefined,
    ]);
  });

  it("exists() counts a dangling link", () => {
    using directory = new TemporaryDirectory();
    symlinkSync("nowhere", directory.at("link"));
    const found = [directory.at("link"), directory.path, directory.at("none")].map((path) => exists(kernel, path));
    expect(found).to.deep.equal([true, true, false]);
  });

  it("filesystemOf() gives the magic of statfs(2)", () => {
    expect(filesystemOf(kernel, "/proc")).to.equal(FILESYSTEM_MAGIC.PROC_SUPER_MAGIC);
    expect(() => filesystemOf(kernel, "/none")).to.throw(SyscallError, "cannot look at /none");
  });

  it("isErrno() looks at system calls alone", () => {
    const error = new SyscallError("x", { call: "read", errno: "EIO" });
    expect([isErrno(error, "EPERM", "EIO"), isErrno(error, "EPERM"), isErrno(error)]).to.deep.equal([
      true,
      false,
      false,
    ]);
    expect(isErrno(new Error("EIO"), "EIO")).to.equal(false);
  });
});
