import { expect } from "chai";
import { describe, it } from "mocha";
import { TemporaryDirectory } from "../testing/temporary-directory.ts";
import { errnoNumber } from "./constants/errno.ts";
import { waitForChild } from "./executor.ts";
import { readText } from "./files.ts";
import { openKernel } from "./kernel.ts";

const kernel = openKernel();
const AT_FDCWD = -100;
const O_DIRECTORY = 0o200000;

describe("openKernel(): call()", () => {
  it("gives the result, or the negated errno", () => {
    expect(kernel.call("getpid")).to.equal(process.pid);
    expect(kernel.call("openat", AT_FDCWD, "/none", 0, 0)).to.equal(-errnoNumber("ENOENT"));
    expect(kernel.call("close", -1)).to.equal(-errnoNumber("EBADF"));
  });

  it("keeps the strings of one call apart", () => {
    using directory = new TemporaryDirectory();
    const [from, to] = [directory.at("äöü"), directory.at("ß".repeat(100))];
    expect(kernel.call("symlinkat", from, AT_FDCWD, to)).to.equal(0);
    const buffer = new Uint8Array(4096);
    const bytes = kernel.call("readlinkat", AT_FDCWD, to, buffer, buffer.length);
    expect(new TextDecoder().decode(buffer.subarray(0, bytes))).to.equal(from);
  });

  it("ends a string after a longer one", () => {
    expect(kernel.call("openat", AT_FDCWD, "/proc/self/status", O_DIRECTORY, 0)).to.equal(-errnoNumber("ENOTDIR"));
    const fd = kernel.call("openat", AT_FDCWD, "/", O_DIRECTORY, 0);
    expect(fd).to.be.at.least(0);
    expect(kernel.call("close", fd)).to.equal(0);
  });

  it("leaves the judgement of a long path to the kernel", () => {
    expect(kernel.call("openat", AT_FDCWD, `/${"x/".repeat(4000)}`, 0, 0)).to.equal(-errnoNumber("ENAMETOOLONG"));
  });

  it("refuses a string without end", () => {
    expect(() => kernel.call("openat", AT_FDCWD, "x".repeat(1 << 20), 0, 0)).to.throw(TypeError, "too long");
  });

  it("takes 64-bit words", () => {
    const limit = new BigUint64Array(2);
    expect(kernel.call("prlimit64", 0, 7, 0n, limit)).to.equal(0);
    expect(limit[1] === 0n).to.equal(false);
    expect(kernel.call("lseek", 0, 2n ** 64n - 1n, 99)).to.be.lessThan(0);
  });
});

describe("openKernel(): spawn()", () => {
  it("starts a child with this argv and an empty environment", () => {
    using directory = new TemporaryDirectory();
    const script = `cat /proc/self/environ > ${directory.at("env")}; printf '%s|' "$@" > ${directory.at("args")}; exit 7`;
    const pid = kernel.spawn("/bin/sh", ["a name", "-c", script, "zero", "", "ä b"]);
    expect(pid).to.be.greaterThan(0);
    expect(waitForChild(kernel, pid, true)).to.deep.equal({ code: 7, signal: undefined });
    expect(readText(kernel, directory.at("args"))).to.equal("|ä b|");
    // The shell itself adds what it is used to.
    expect(readText(kernel, directory.at("env"))).to.not.match(/PATH=\/usr\/local|HOME=|USER=/);
  });

  it("gives the errno of a program that cannot be run", () => {
    expect(kernel.spawn("/none", ["none"])).to.equal(-errnoNumber("ENOENT"));
    expect(kernel.spawn("/", ["root"])).to.equal(-errnoNumber("EACCES"));
  });
});

describe("waitForChild()", () => {
  function status(script: string) {
    return waitForChild(kernel, kernel.spawn("/bin/sh", ["sh", "-c", script]), true);
  }
  it("gives the exit status", () => expect(status("exit 255")).to.deep.equal({ code: 255, signal: undefined }));
  it("gives 128 plus the signal", () => expect(status("kill -9 $$")).to.deep.equal({ code: 137, signal: 9 }));
  it("is undefined while the child runs, and it is not to be waited for", () => {
    const pid = kernel.spawn("/bin/sh", ["sh", "-c", "kill -STOP $$"]);
    expect(waitForChild(kernel, pid, false)).to.equal(undefined);
    kernel.call("kill", pid, 9);
    expect(waitForChild(kernel, pid, true)).to.deep.equal({ code: 137, signal: 9 });
  });
  it("has a status for what is no child", () => {
    expect(waitForChild(kernel, 1, true)).to.deep.equal({ code: 255, signal: undefined });
  });
});
