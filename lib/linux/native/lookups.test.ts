import { chmodSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { expect } from "chai";
import { describe, it } from "mocha";
import { compileNoNewPrivileges } from "../../plan/credentials.ts";
import { compileSeccomp } from "../../plan/seccomp/compile.ts";
import { compileFilter } from "../../plan/seccomp/filter.ts";
import { register, type Step, type Struct } from "../../plan/step.ts";
import type { Seccomp } from "../../spec/seccomp.ts";
import { DONE, failureOf, PURPOSE, runProgram, tell, valuesOf } from "../../testing/run-program.ts";
import { TemporaryDirectory } from "../../testing/temporary-directory.ts";
import { errnoSymbol } from "../constants/errno.ts";
import { AT_FDCWD, FILE_TYPE, FILESYSTEM_MAGIC, OPEN } from "../constants/files.ts";
import { openFile } from "../files.ts";
import { openKernel } from "../kernel.ts";

const kernel = openKernel();
const EPERM = 1;

function step(fields: Partial<Step>): Step {
  return { call: "getpid", args: [], purpose: PURPOSE, ...fields };
}

function errnoOf(steps: readonly Step[], options: Parameters<typeof runProgram>[2] = {}): string | undefined {
  const failure = failureOf(runProgram(kernel, steps, options));
  return failure === undefined ? undefined : errnoSymbol(failure.errno);
}

describe("executor: findExecutable", () => {
  /** Runs what is found, which exits with the number of its own directory; an errno when nothing is found. */
  function find(candidates: readonly string[], before: readonly Step[] = []): number | string | undefined {
    const steps = [
      ...before,
      step({ call: "findExecutable", args: [{ kind: "strings", values: candidates }], into: "program" }),
      step({
        call: "execve",
        args: [register("program"), { kind: "strings", values: ["name"] }, { kind: "strings", values: [] }],
      }),
    ];
    const outcome = runProgram(kernel, steps);
    const failure = failureOf(outcome);
    return failure === undefined ? outcome.status.code : errnoSymbol(failure.errno);
  }

  function scripts(directory: TemporaryDirectory): void {
    for (const [index, mode] of [0o755, 0o755, 0o644].entries()) {
      mkdirSync(directory.at(String(index)));
      writeFileSync(directory.at(String(index), "run"), `#!/bin/sh\nexit ${index + 40}\n`);
      chmodSync(directory.at(String(index), "run"), mode);
    }
    mkdirSync(directory.at("folder", "run"), { recursive: true });
    writeFileSync(directory.at("file"), "");
    symlinkSync("../1/run", directory.at("folder", "link"));
    symlinkSync("loop", directory.at("folder", "loop"));
  }

  const cases: readonly (readonly [name: string, candidates: readonly string[], found: number | string])[] = [
    ["none at all", [], "ENOENT"],
    ["none that is there", ["none/run", "0/none"], "ENOENT"],
    ["the first", ["0/run", "1/run"], 40],
    ["the second", ["none/run", "1/run", "0/run"], 41],
    ["by a link", ["folder/link"], 41],
    ["below a file", ["file/run"], "ENOTDIR"],
    ["below a file, which in a search is not there", ["file/run", "none/run"], "ENOENT"],
    ["after one below a file", ["file/run", "0/run"], 40],
    ["one that may not be run", ["2/run"], "EACCES"],
    ["one that may not be run, before nothing", ["2/run", "none/run"], "EACCES"],
    ["one that may not be run, after nothing", ["none/run", "2/run"], "EACCES"],
    ["after one that may not be run", ["2/run", "0/run"], 40],
    ["a directory", ["folder/run"], "EISDIR"],
    ["after a directory", ["folder/run", "1/run"], 41],
    ["a link to itself", ["folder/loop"], "ELOOP"],
  ];
  for (const [name, candidates, found] of cases) {
    it(`${name}: ${found}`, () => {
      using directory = new TemporaryDirectory();
      scripts(directory);
      expect(find(candidates.map((path) => directory.at(path)))).to.equal(found);
    });
  }

  for (const names of [["faccessat2"], ["statx"], ["statx", "faccessat2"]])
    it(`behind a filter that refuses ${names.join(" and ")}: the first that is there`, () => {
      using directory = new TemporaryDirectory();
      scripts(directory);
      const seccomp: Seccomp = {
        defaultAction: "SCMP_ACT_ALLOW",
        syscalls: [{ names, action: "SCMP_ACT_ERRNO", errnoRet: EPERM }],
      };
      const filter = compileFilter(seccomp, kernel.architecture, new Map());
      const steps = [compileNoNewPrivileges(), ...compileSeccomp(seccomp, filter)];
      expect(
        find(
          ["none/run", "1/run", "0/run"].map((path) => directory.at(path)),
          steps,
        ),
      ).to.equal(41);
      expect(
        find(
          ["none/run"].map((path) => directory.at(path)),
          steps,
        ),
      ).to.equal("ENOENT");
    });
});

describe("executor: findHome", () => {
  const SIZE = 64;

  /** The home directory that is found, or the errno, with what the buffer then says. */
  function findHome(path: string, uid: number, size = SIZE): string {
    using directory = new TemporaryDirectory();
    writeFileSync(directory.at("out"), "");
    const bytes = new Uint8Array(size + 8).fill(0xee);
    bytes.set([0x2f, 0]);
    const home: Struct = { kind: "struct", bytes, describe: () => "{}" };
    const steps = [
      step({
        call: "findHome",
        args: [path, uid, { kind: "field", of: home, at: 0, name: "home" }, size],
        tolerated: ["ENOENT", "EACCES", "ENOTDIR"],
        otherwise: 2,
      }),
      step({ call: "writeFile", args: [directory.at("out"), home, bytes.length] }),
      step({ call: "exit_group", args: [0] }),
      step({ call: "writeFile", args: [directory.at("out"), home, bytes.length] }),
      step({ call: "exit_group", args: [1] }),
    ];
    const { status } = runProgram(kernel, steps);
    const out = readFileSync(directory.at("out"));
    // Nothing is written after the room there is.
    expect([...out.subarray(size)]).to.deep.equal(new Array<number>(8).fill(0xee));
    const text = out.subarray(0, out.indexOf(0)).toString("utf8");
    return status.code === 0 ? text : `none, ${text}`;
  }

  const ROOT = "root:x:0:0:root:/root:/bin/sh\n";
  const cases: readonly (readonly [name: string, passwd: string, uid: number, home: string])[] = [
    ["the first line", `${ROOT}a:x:1:1::/a:/bin/sh\n`, 0, "/root"],
    ["the last line", `${ROOT}a:x:1:1::/home/a:/bin/sh\n`, 1, "/home/a"],
    ["the last line, without a newline", `${ROOT}a:x:1:1::/home/a:/bin/sh`, 1, "/home/a"],
    ["a line without a shell", "a:x:1:1::/home/a", 1, "/home/a"],
    ["no such line", ROOT, 1000, "none, /"],
    ["an empty file", "", 0, "none, /"],
    ["newlines alone", "\n\n\n", 0, "none, /"],
    ["the largest uid", "a:x:4294967295:1::/max:\n", 4294967295, "/max"],
    ["the first of two lines", "a:x:1:1::/first:\nb:x:1:1::/second:\n", 1, "/first"],
    ["a uid in another field", "0:0:5:0:0:/wrong:/0\n", 0, "none, /"],
    ["a uid that starts like it", "a:x:10:1::/wrong:\n", 1, "none, /"],
    ["a uid that ends like it", "a:x:21:1::/wrong:\n", 1, "none, /"],
    ["a uid with zeros before it", "a:x:001:1::/a:\n", 1, "/a"],
    ["no uid", "a:x::1::/wrong:\n", 0, "none, /"],
    ["a uid with letters behind it", "a:x:0x:1::/wrong:\n", 0, "none, /"],
    ["a uid with letters before it", "a:x:x0:1::/wrong:\n", 0, "none, /"],
    ["a negative uid", "a:x:-1:1::/wrong:\n", 4294967295, "none, /"],
    ["a uid with a space", "a:x: 0:1::/wrong:\n", 0, "none, /"],
    ["a uid that would be 0 in 32 bits", "a:x:4294967296:1::/wrong:\n", 0, "none, /"],
    ["a uid that would be 0 in 64 bits", "a:x:18446744073709551616:1::/wrong:\n", 0, "none, /"],
    ["a uid of many digits", `a:x:${"9".repeat(1000)}:1::/wrong:\n`, 4294967295, "none, /"],
    ["too few fields", "a:x:0:0:root\n", 0, "none, /"],
    ["no home", "a:x:0:0:root::/bin/sh\n", 0, "none, /"],
    ["no home, and another line", "a:x:0:0:root::/bin/sh\nb:x:0:0::/b:\n", 0, "/b"],
    ["more fields", "a:x:0:0:root:/root:/bin/sh:more:/wrong\n", 0, "/root"],
    ["a home that just fits", `a:x:0:0::/${"h".repeat(SIZE - 2)}:\n`, 0, `/${"h".repeat(SIZE - 2)}`],
    ["a home that is too long by one", `a:x:0:0::/${"h".repeat(SIZE - 1)}:\n`, 0, "none, /"],
    ["a home too long, and another line", `a:x:0:0::/${"h".repeat(100_000)}:\nb:x:0:0::/b:\n`, 0, "/b"],
    ["a huge line before it", `${"x".repeat(200_000)}\na:x:0:0::/a:\n`, 0, "/a"],
    ["a line across two reads", `${"x".repeat(505)}\na:x:0:0::/a:\n`, 0, "/a"],
    ["zeros in it", "a\0:x:0:0::/a\0b:\n", 0, "/a"],
    ["colons alone", `${":".repeat(5000)}\na:x:0:0::/a:\n`, 0, "/a"],
    ["what is no text", `\xff\xfe:\x80:0:\x01::\n${ROOT}`, 0, "/root"],
    ["what lies behind a mebibyte", `${"x".repeat(1 << 20)}\n${ROOT}`, 0, "none, /"],
  ];
  for (const [name, passwd, uid, home] of cases) {
    it(`${name}: ${home.slice(0, 20)}`, () => {
      using directory = new TemporaryDirectory();
      writeFileSync(directory.at("passwd"), passwd, "latin1");
      expect(findHome(directory.at("passwd"), uid)).to.equal(home);
    });
  }

  it("no file, a directory, a device: none", () => {
    using directory = new TemporaryDirectory();
    const paths = [directory.at("none"), directory.path, "/dev/null"];
    expect(paths.map((path) => findHome(path, 0))).to.deep.equal(["none, /", "none, /", "none, /"]);
  });

  it("an endless file: none", () => expect(findHome("/dev/zero", 0)).to.equal("none, /"));

  it("a FIFO nobody writes to: none, and no wait", () => {
    using directory = new TemporaryDirectory();
    expect(kernel.call("mknodat", AT_FDCWD, directory.at("fifo"), FILE_TYPE.S_IFIFO | 0o600, 0)).to.equal(0);
    expect(findHome(directory.at("fifo"), 0)).to.equal("none, /");
  });

  it("a FIFO somebody might write to: none, and no wait", () => {
    using directory = new TemporaryDirectory();
    expect(kernel.call("mknodat", AT_FDCWD, directory.at("fifo"), FILE_TYPE.S_IFIFO | 0o600, 0)).to.equal(0);
    using _writer = openFile(kernel, directory.at("fifo"), OPEN.O_RDWR);
    expect(findHome(directory.at("fifo"), 0)).to.equal("none, /");
  });
});

describe("executor: checks", () => {
  function check(path: string, fields: Partial<Step>, flags: number = OPEN.O_PATH): string | undefined {
    using file = openFile(kernel, path, flags);
    return errnoOf([step(fields), DONE], { descriptors: { file } });
  }
  const FILE = register("file");

  for (const [name, path, type, major, minor, errno] of [
    ["the null device", "/dev/null", FILE_TYPE.S_IFCHR, 1, 3, undefined],
    ["another type", "/dev/null", FILE_TYPE.S_IFBLK, 1, 3, "ENODEV"],
    ["another major", "/dev/null", FILE_TYPE.S_IFCHR, 2, 3, "ENODEV"],
    ["another minor", "/dev/zero", FILE_TYPE.S_IFCHR, 1, 3, "ENODEV"],
    ["a file", "/proc/self/status", FILE_TYPE.S_IFREG, 0, 0, undefined],
    ["a directory", "/", FILE_TYPE.S_IFCHR, 1, 3, "ENODEV"],
  ] as const) {
    it(`checkDevice, ${name}: ${errno ?? "fits"}`, () => {
      expect(check(path, { call: "checkDevice", args: [FILE, type, major, minor] })).to.equal(errno);
    });
  }

  const { PROC_SUPER_MAGIC, DEVPTS_SUPER_MAGIC } = FILESYSTEM_MAGIC;
  for (const [name, path, magic, wanted, errno] of [
    ["on it, and wanted", "/proc/self/status", PROC_SUPER_MAGIC, 1, undefined],
    ["on it, and not wanted", "/proc", PROC_SUPER_MAGIC, 0, "ENODEV"],
    ["not on it, but wanted", "/dev", PROC_SUPER_MAGIC, 1, "ENODEV"],
    ["not on it, and not wanted", "/dev", PROC_SUPER_MAGIC, 0, undefined],
    ["on another one", "/dev/pts", DEVPTS_SUPER_MAGIC, 1, undefined],
  ] as const) {
    it(`checkFilesystem, ${name}: ${errno ?? "fits"}`, () => {
      expect(check(path, { call: "checkFilesystem", args: [FILE, magic, wanted] })).to.equal(errno);
    });
  }

  for (const call of ["checkDevice", "checkFilesystem", "getMode"] as const) {
    it(`${call}: EBADF without a descriptor`, () => {
      expect(errnoOf([step({ call, args: [-1, FILE_TYPE.S_IFCHR, 1, 3] }), DONE])).to.equal("EBADF");
    });
  }

  it("getMode gives the permission bits, and no more", () => {
    using directory = new TemporaryDirectory();
    writeFileSync(directory.at("file"), "");
    const modes = [0, 0o644, 0o1777, 0o7777].map((mode) => {
      chmodSync(directory.at("file"), mode);
      using file = openFile(kernel, directory.at("file"), OPEN.O_PATH);
      const steps = [step({ call: "getMode", args: [FILE], into: "mode" }), ...tell("mode"), DONE];
      return valuesOf(runProgram(kernel, steps, { descriptors: { file } }));
    });
    expect(modes).to.deep.equal([[0], [0o644], [0o1777], [0o7777]]);
  });
});

describe("executor: checkCwd", () => {
  const check = (below: number) => step({ call: "checkCwd", args: [below] });

  it("takes a directory below the root", () => {
    expect(errnoOf([step({ call: "chdir", args: ["/proc"] }), check(0), check(1), DONE])).to.equal(undefined);
  });

  it("takes the root itself, unless one below it is wanted", () => {
    const root = step({ call: "chdir", args: ["/"] });
    expect(errnoOf([root, check(0), DONE])).to.equal(undefined);
    expect(errnoOf([root, check(1), DONE])).to.equal("EACCES");
  });

  it("refuses a directory that is gone", () => {
    using directory = new TemporaryDirectory();
    const steps = [
      step({ call: "mkdirat", args: [AT_FDCWD, directory.at("gone"), 0o700] }),
      step({ call: "chdir", args: [directory.at("gone")] }),
      step({ call: "unlinkat", args: [AT_FDCWD, directory.at("gone"), 0x200] }),
      check(0),
      DONE,
    ];
    expect(errnoOf(steps)).to.equal("ENOENT");
  });

  it("refuses a directory that is out of the root (CVE-2024-21626)", () => {
    using directory = new TemporaryDirectory();
    const steps = [
      step({ call: "unshare", args: [0x10000000] }),
      step({ call: "chdir", args: ["/proc"] }),
      step({ call: "chroot", args: [directory.path] }),
      check(0),
      DONE,
    ];
    expect(errnoOf(steps)).to.equal("ENOENT");
  });
});
