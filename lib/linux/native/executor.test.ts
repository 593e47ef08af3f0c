import { readFileSync, writeFileSync } from "node:fs";
import { expect } from "chai";
import { describe, it } from "mocha";
import { PART_ALIGNMENT } from "../../plan/layout.ts";
import { register, type Step, type Struct } from "../../plan/step.ts";
import { DONE, failureOf, mark, PURPOSE, runProgram, tell, valuesOf } from "../../testing/run-program.ts";
import { TemporaryDirectory } from "../../testing/temporary-directory.ts";
import { errnoNumber } from "../constants/errno.ts";
import { AT_FDCWD } from "../constants/files.ts";
import { openKernel } from "../kernel.ts";

const kernel = openKernel();
const EXIT_BROKEN_PROGRAM = 125;
const EXIT_FAILED_STEP = 126;

function step(fields: Partial<Step>): Step {
  return { call: "getpid", args: [], purpose: PURPOSE, ...fields };
}

/** chdir(2) to what is not there: ENOENT. */
function missing(fields: Partial<Step> = {}): Step {
  return step({ call: "chdir", args: ["/none"], ...fields });
}

/** Some memory of the program. */
function memory(bytes: Uint8Array): Struct {
  return { kind: "struct", bytes, describe: () => "{}" };
}

describe("executor: results", () => {
  it("ends with the program's own status, and says nothing", () => {
    const outcome = runProgram(kernel, [step({ call: "exit_group", args: [42] })]);
    expect(outcome).to.deep.equal({ reports: [], status: { code: 42, signal: undefined } });
  });

  it("keeps a result in a register, for any argument", () => {
    const outcome = runProgram(kernel, [
      step({ call: "openat", args: [AT_FDCWD, "/", 0o10000000, 0], into: "root" }),
      step({ call: "fcntl", args: [register("root"), 0, 100], into: "copy" }),
      step({ call: "fcntl", args: [register("root"), 0, register("copy")], into: "next" }),
      ...tell("copy"),
      ...tell("next"),
      DONE,
    ]);
    expect(valuesOf(outcome)).to.deep.equal([100, 101]);
  });

  it("keeps what a register had after a failure that is tolerated", () => {
    const outcome = runProgram(kernel, [
      step({ call: "umask", args: [0o27] }),
      step({ call: "umask", args: [0o27], into: "value" }),
      missing({ into: "value", tolerated: ["ENOENT"] }),
      ...tell("value"),
      DONE,
    ]);
    expect(valuesOf(outcome)).to.deep.equal([0o27]);
  });

  it("passes on negative and 64-bit arguments", () => {
    const outcome = runProgram(kernel, [
      step({ call: "openat", args: [AT_FDCWD, "/proc/self/status", 0, 0], into: "file" }),
      step({ call: "lseek", args: [register("file"), -1, 0], tolerated: ["EINVAL"], otherwise: 2 }),
      ...mark(1),
      step({ call: "lseek", args: [register("file"), 2n ** 64n - 1n, 0], tolerated: ["EINVAL"], otherwise: 2 }),
      ...mark(2),
      ...mark(3),
      DONE,
    ]);
    expect(valuesOf(outcome)).to.deep.equal([3]);
  });
});

describe("executor: refusals", () => {
  it("reports the number of the step and the errno, and ends", () => {
    const outcome = runProgram(kernel, [step({}), missing(), ...mark(1), DONE]);
    expect(outcome).to.deep.equal({
      reports: [{ kind: "failure", step: 1, errno: errnoNumber("ENOENT"), log: new Uint8Array() }],
      status: { code: EXIT_FAILED_STEP, signal: undefined },
    });
  });

  it("goes on after each of three tolerated errnos, and after no other", () => {
    const codes = (["EPERM", "EBUSY", "ENOENT"] as const).map((errno) => {
      const tolerated = {
        EPERM: ["ENOENT", "EPERM", "EBUSY"],
        EBUSY: ["EPERM", "ENOENT"],
        ENOENT: ["EPERM", "EBUSY", "ENOENT"],
      } as const;
      return runProgram(kernel, [missing({ tolerated: tolerated[errno] }), DONE]).status.code;
    });
    expect(codes).to.deep.equal([0, 0, 0]);
    expect(runProgram(kernel, [missing({ tolerated: ["EPERM", "ENOTDIR"] }), DONE]).status.code).to.equal(126);
  });

  it("ends without a word, and with no signal, when nobody listens any more", () => {
    const outcome = runProgram(kernel, [
      step({ call: "close", args: [register("control")] }),
      missing(),
      step({ call: "exit_group", args: [1] }),
    ]);
    expect(outcome).to.deep.equal({ reports: [], status: { code: EXIT_FAILED_STEP, signal: undefined } });
  });

  it("adds what a filesystem context says", () => {
    const outcome = runProgram(kernel, [
      // A user namespace of its own is what anybody may make a tmpfs in.
      step({ call: "unshare", args: [0x10020000] }),
      step({ call: "fsopen", args: ["tmpfs", 1], into: "context" }),
      step({ call: "fsconfig", args: [register("context"), 1, "no-such-option", "x", 0] }),
    ]);
    expect(failureOf(outcome)).to.deep.equal({
      kind: "failure",
      step: 2,
      errno: errnoNumber("EINVAL"),
      log: new TextEncoder().encode("e tmpfs: Unknown parameter 'no-such-option'\n"),
    });
  });
});

describe("executor: jumps", () => {
  it("skips after success", () => {
    const outcome = runProgram(kernel, [step({ skip: 4 }), ...mark(1), ...mark(2), ...mark(3), DONE]);
    expect(valuesOf(outcome)).to.deep.equal([3]);
  });

  it("does not skip after a tolerated errno, but goes where `otherwise` says", () => {
    const steps = (otherwise: number) => [
      missing({ skip: 4, otherwise, tolerated: ["ENOENT"] }),
      ...mark(1),
      ...mark(2),
      ...mark(3),
      DONE,
    ];
    expect(valuesOf(runProgram(kernel, steps(0)))).to.deep.equal([1, 2, 3]);
    expect(valuesOf(runProgram(kernel, steps(2)))).to.deep.equal([2, 3]);
  });

  it("does not go where `otherwise` says after success", () => {
    const outcome = runProgram(kernel, [step({ otherwise: 2, tolerated: ["ENOENT"] }), ...mark(1), DONE]);
    expect(valuesOf(outcome)).to.deep.equal([1]);
  });

  it("ends as broken when it jumps out of the program, or runs out of it", () => {
    for (const steps of [[step({ skip: 65_535 }), DONE], [step({})], []]) {
      expect(runProgram(kernel, steps).status).to.deep.equal({ code: EXIT_BROKEN_PROGRAM, signal: undefined });
    }
  });

  it("skipOnZero sends the child of clone(2) elsewhere", () => {
    const SIGCHLD = 17;
    const outcome = runProgram(kernel, [
      step({ call: "clone", args: [SIGCHLD, 0, 0, 0, 0], into: "pid", skip: 3, skipOnZero: true }),
      step({ call: "wait4", args: [register("pid"), 0, 0, 0] }),
      ...mark(1),
      // The child: it starts here.
      ...mark(2),
      DONE,
    ]);
    // The child says 2; its parent, after it, 1 and, because it runs on, 2.
    expect(valuesOf(outcome)).to.deep.equal([2, 1, 2]);
  });

  it("failOnZero takes the end of a file for EPIPE, which may be tolerated", () => {
    const buffer = memory(new Uint8Array(8));
    const read = (fields: Partial<Step>) => [
      step({ call: "openat", args: [AT_FDCWD, "/dev/null", 0, 0], into: "null" }),
      step({ call: "read", args: [register("null"), buffer, 8], ...fields }),
      DONE,
    ];
    expect(runProgram(kernel, read({})).status.code).to.equal(0);
    expect(failureOf(runProgram(kernel, read({ failOnZero: true })))?.errno).to.equal(errnoNumber("EPIPE"));
    expect(runProgram(kernel, read({ failOnZero: true, tolerated: ["EPIPE"] })).status.code).to.equal(0);
    const some = [step({ call: "umask", args: [1] }), step({ call: "umask", args: [1], failOnZero: true }), DONE];
    expect(runProgram(kernel, some).status.code).to.equal(0);
  });
});

describe("executor: store and writeFile", () => {
  it("store writes 4 or 8 bytes of a register, and no more", () => {
    const target = memory(new Uint8Array(24).fill(0xee));
    const field = (at: number) => ({ kind: "field", of: target, at, name: "field" }) as const;
    const steps = (file: string) => [
      step({ call: "store", args: [field(0), -2, 4] }),
      step({ call: "store", args: [field(8), -3, 8] }),
      step({ call: "store", args: [field(16), register("control"), 4] }),
      step({ call: "writeFile", args: [file, target, 24] }),
      DONE,
    ];
    using directory = new TemporaryDirectory();
    writeFileSync(directory.at("file"), "");
    expect(runProgram(kernel, steps(directory.at("file"))).status.code).to.equal(0);
    const words = new Int32Array(readFileSync(directory.at("file")).buffer.slice(0, 24));
    expect([...words.subarray(0, 4)]).to.deep.equal([-2, 0xee_ee_ee_ee | 0, -3, -1]);
    expect(words[4]).to.be.greaterThan(2);
    expect(words[5]).to.equal(0xee_ee_ee_ee | 0);
  });

  it("writeFile writes in place, and only to what is there", () => {
    using directory = new TemporaryDirectory();
    writeFileSync(directory.at("file"), "0123456789");
    const write = (name: string) => [
      step({ call: "writeFile", args: [directory.at(name), "abc", 3], into: "written" }),
      ...tell("written"),
      DONE,
    ];
    expect(valuesOf(runProgram(kernel, write("file")))).to.deep.equal([3]);
    expect(readFileSync(directory.at("file"), "utf8")).to.equal("abc3456789");
    expect(failureOf(runProgram(kernel, write("none")))?.errno).to.equal(errnoNumber("ENOENT"));
    expect(failureOf(runProgram(kernel, write(".")))?.errno).to.equal(errnoNumber("EISDIR"));
  });
});

describe("executor: continue", () => {
  const GO_ON = step({ call: "continue", args: [register("program"), register("control")] });

  it("goes on with the second part, which has the registers, and numbers of its own", () => {
    const first = [step({ call: "umask", args: [0o12] }), step({ call: "umask", args: [0], into: "mask" }), GO_ON];
    const outcome = runProgram(kernel, first, { second: [...tell("mask"), ...mark(7), missing()] });
    expect(valuesOf(outcome)).to.deep.equal([0o12, 7]);
    expect(failureOf(outcome)?.step).to.equal(3 + 4);
  });

  it("closes the file of the program", () => {
    const second = [step({ call: "fcntl", args: [register("program"), 1] })];
    expect(failureOf(runProgram(kernel, [GO_ON], { second }))?.errno).to.equal(errnoNumber("EBADF"));
  });

  it("does not read past it when the second part was there before the executor", () => {
    // What a slow start of the executor comes down to: both parts stand in the file when it looks.
    const text = "x".repeat(2 * PART_ALIGNMENT);
    const outcome = runProgram(kernel, [...mark(1), GO_ON], {
      second: [...mark(2), step({ call: "umask", args: [0, text] }), DONE],
      alter: (image) => {
        const both = new Uint8Array(3 * PART_ALIGNMENT);
        both.set(image);
        return both;
      },
    });
    expect(valuesOf(outcome)).to.deep.equal([1, 2]);
    expect(outcome.status.code).to.equal(0);
  });

  it("leaves what follows in the first part alone", () => {
    expect(valuesOf(runProgram(kernel, [GO_ON, ...mark(1), DONE], { second: [DONE] }))).to.deep.equal([]);
  });

  it("ends as broken when it comes a second time: the file is closed", () => {
    const next = BigUint64Array.of(0n, 1000n);
    const outcome = runProgram(kernel, [GO_ON], {
      second: [GO_ON],
      proceed: ({ control }) => kernel.call("sendto", control.number, next, next.byteLength, 0x4000, 0, 0),
    });
    expect(outcome).to.deep.equal({ reports: [], status: { code: EXIT_BROKEN_PROGRAM, signal: undefined } });
  });

  it("ends as broken when the runtime goes away", () => {
    expect(runProgram(kernel, [GO_ON], { hangUp: true }).status).to.deep.equal({
      code: EXIT_BROKEN_PROGRAM,
      signal: undefined,
    });
  });
});
