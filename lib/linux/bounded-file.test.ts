import { execFileSync } from "node:child_process";
import { truncateSync, writeFileSync } from "node:fs";
import { expect } from "chai";
import { TemporaryDirectory } from "../testing/temporary-directory.ts";
import { readBoundedText } from "./bounded-file.ts";
import { openKernel } from "./kernel.ts";

describe("readBoundedText()", () => {
  const kernel = openKernel();
  let folder: TemporaryDirectory;

  beforeEach(() => {
    folder = new TemporaryDirectory();
  });

  afterEach(() => folder[Symbol.dispose]());

  it("reads a file up to its limit, also one that does not know its size", () => {
    writeFileSync(folder.at("file"), "äbc");
    expect(readBoundedText(kernel, folder.at("file"), 4)).to.equal("äbc");
    expect(readBoundedText(kernel, "/proc/self/comm", 100)).to.match(/\n$/);
  });

  it("refuses what is larger", () => {
    writeFileSync(folder.at("file"), "");
    truncateSync(folder.at("file"), 2 ** 40);
    expect(() => readBoundedText(kernel, folder.at("file"), 4)).to.throw("it is larger than 4 bytes");
  });

  it("refuses what may have no end, without waiting for it", () => {
    execFileSync("mkfifo", [folder.at("fifo")]);
    for (const [path, why] of [
      [folder.at("fifo"), "it is a FIFO, must be a regular file"],
      ["/dev/zero", "it is a device, must be a regular file"],
      [folder.path, "it is a directory, must be a regular file"],
      [folder.at("nosuch"), "no such file or directory (ENOENT)"],
    ] as const) {
      expect(() => readBoundedText(kernel, path, 4)).to.throw(why);
    }
  });
});
