import {
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { expect } from "chai";
import { errnoNumber } from "../../linux/constants/errno.ts";
import { type Kernel, openKernel } from "../../linux/kernel.ts";
import { TemporaryDirectory } from "../../testing/temporary-directory.ts";
import { LogFile } from "./log-file.ts";

/** A kernel whose disk has room for so many bytes more. */
class FullKernel implements Kernel {
  readonly #kernel = openKernel();
  readonly architecture = this.#kernel.architecture;
  roomBytes = Number.POSITIVE_INFINITY;

  call(...[name, fd, bytes, length, ...rest]: Parameters<Kernel["call"]>): number {
    if (name !== "write" || typeof length !== "number") {
      const args = [fd, bytes, length, ...rest].filter((argument) => argument !== undefined);
      return this.#kernel.call(name, ...args);
    }
    const fitting = Math.min(length, this.roomBytes);
    if (fitting === 0) return -errnoNumber("ENOSPC");
    this.roomBytes -= fitting;
    return this.#kernel.call("write", fd ?? -1, bytes ?? 0, fitting);
  }

  spawn(path: string, argv: readonly string[]): number {
    return this.#kernel.spawn(path, argv);
  }
}

const LIMITS = { maxBytes: undefined, maxFiles: 1 };

describe("LogFile", () => {
  let place: TemporaryDirectory;
  let kernel: FullKernel;
  let warnings: string[];

  beforeEach(() => {
    place = new TemporaryDirectory();
    kernel = new FullKernel();
    warnings = [];
  });

  afterEach(() => place[Symbol.dispose]());

  const open = (path: string, limits: { readonly maxBytes: number | undefined; readonly maxFiles: number } = LIMITS) =>
    new LogFile(kernel, { path, ...limits }, (message) => warnings.push(message));
  const text = (path: string) => readFileSync(path, "utf8");
  const bytes = (lines: string) => new TextEncoder().encode(lines);

  it("makes the file and the directories above it with the first line, for nobody else to read", () => {
    const path = place.at("a", "b", "log");
    const file = open(path);
    expect(readdirSync(place.path)).to.deep.equal([]);
    file.append(bytes("one\n"));
    file.close();
    open(path).append(bytes("two\n"));
    expect(text(path)).to.equal("one\ntwo\n");
    expect((statSync(path).mode % 0o1000).toString(8)).to.equal("640");
    expect(warnings).to.deep.equal([]);
  });

  it("keeps so many files, none larger than it may be, each of whole lines", () => {
    const path = place.at("log");
    const file = open(path, { maxBytes: 10, maxFiles: 3 });
    file.append(bytes("11\n22\n33\n44\n55\n66\n77\n88\n"));
    for (const line of ["99\n", "aa\n", "bb\n"]) file.append(bytes(line));
    expect(readdirSync(place.path).sort()).to.deep.equal(["log", "log.1", "log.2"]);
    expect([".2", ".1", ""].map((end) => text(path + end))).to.deep.equal(["44\n55\n66\n", "77\n88\n99\n", "aa\nbb\n"]);
    expect(warnings).to.deep.equal([]);
  });

  it("fills a file to the last byte before it begins the next", () => {
    const file = open(place.at("log"), { maxBytes: 6, maxFiles: 2 });
    file.append(bytes("11\n22\n"));
    expect(readdirSync(place.path)).to.deep.equal(["log"]);
    file.append(bytes("3\n"));
    expect([text(place.at("log.1")), text(place.at("log"))]).to.deep.equal(["11\n22\n", "3\n"]);
  });

  it("gives a line that is too long a file of its own", () => {
    const file = open(place.at("log"), { maxBytes: 4, maxFiles: 5 });
    file.append(bytes("1\nlonger than that\n2\n"));
    expect(["log.2", "log.1", "log"].map((name) => text(place.at(name)))).to.deep.equal([
      "1\n",
      "longer than that\n",
      "2\n",
    ]);
  });

  it("begins anew where there may be one file only", () => {
    const file = open(place.at("log"), { maxBytes: 5, maxFiles: 1 });
    file.append(bytes("11\n22\n33\n"));
    expect(readdirSync(place.path)).to.deep.equal(["log"]);
    expect(text(place.at("log"))).to.equal("33\n");
  });

  it("makes a new file for one that was renamed or removed, and knows of one that was emptied", () => {
    const path = place.at("log");
    const file = open(path, { maxBytes: 6, maxFiles: 9 });
    file.append(bytes("11\n"));
    renameSync(path, place.at("old"));
    file.append(bytes("22\n"));
    expect([text(place.at("old")), text(path)]).to.deep.equal(["11\n", "22\n"]);
    rmSync(path);
    file.append(bytes("33\n"));
    truncateSync(path);
    file.append(bytes("44\n55\n"));
    expect(readdirSync(place.path).sort()).to.deep.equal(["log", "old"]);
    expect(text(path)).to.equal("44\n55\n");
  });

  it("loses whole lines when the disk is full, says so once, and goes on when there is room", () => {
    const path = place.at("log");
    const file = open(path);
    file.append(bytes("11\n"));
    kernel.roomBytes = 5;
    file.append(bytes("22\n33\n"));
    file.append(bytes("44\n"));
    expect(text(path)).to.equal("11\n22\n");
    expect(warnings).to.deep.equal([
      `output is lost until it can be written: cannot write to ${path}: no space left on device (ENOSPC)`,
    ]);
    kernel.roomBytes = 100;
    file.append(bytes("55\n"));
    expect(text(path)).to.equal("11\n22\n55\n");
    expect(warnings[1]).to.equal(`the log ${path} is written again: 6 bytes of it are lost`);
    file.close();
    expect(warnings.length).to.equal(2);
  });

  it("says at the end what was lost and never came back", () => {
    const file = open(place.at("log"));
    kernel.roomBytes = 0;
    file.append(bytes("22\n"));
    file.close();
    expect(warnings[1]).to.equal(`3 bytes of the log ${place.at("log")} are lost`);
  });

  const unusable: readonly (readonly [string, (path: string) => void, RegExp])[] = [
    ["a directory", (path) => mkdirSync(path), /is a directory \(EISDIR\)/],
    ["a FIFO", (path) => Bun.spawnSync({ cmd: ["mkfifo", path] }), /ENXIO/],
    ["a device", (path) => Bun.spawnSync({ cmd: ["ln", "-s", "/dev/null", path] }), /it is not a regular file/],
    ["below a file", (path) => writeFileSync(path.slice(0, path.lastIndexOf("/")), ""), /ENOTDIR/],
  ];
  for (const [name, make, why] of unusable) {
    it(`loses what is for ${name}, and says why`, () => {
      const path = name === "below a file" ? place.at("file", "log") : place.at("log");
      make(path);
      const file = open(path);
      file.append(bytes("11\n"));
      expect(warnings.join())
        .to.match(/^output is lost until it can be written: /)
        .and.to.match(why);
      rmSync(name === "below a file" ? place.at("file") : path, { recursive: true });
      file.append(bytes("22\n"));
      expect(text(path)).to.equal("22\n");
    });
  }

  it("grows on when it cannot be rotated, and says so once", () => {
    const path = place.at("log");
    mkdirSync(place.at("log.1", "full"), { recursive: true });
    const file = open(path, { maxBytes: 4, maxFiles: 2 });
    for (const line of ["11\n", "22\n33\n", "44\n"]) file.append(bytes(line));
    expect(text(path)).to.equal("11\n22\n33\n44\n");
    expect(warnings.length).to.equal(1);
    expect(warnings[0]).to.match(/^cannot rotate the log: cannot rename .*: it grows on$/);
  });
});
