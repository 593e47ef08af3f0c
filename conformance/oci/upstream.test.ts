import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { afterEach, beforeEach, describe, it } from "mocha";
import { readRun } from "./upstream.ts";

describe("readRun()", () => {
  const faultsOf = (text: string, status = 0): readonly string[] => readRun(text, status).faults;

  it("takes a plan before or after the tests", () => {
    expect(faultsOf("TAP version 13\n1..2\nok 1 - a\nok 2 - b\n")).to.deep.equal([]);
    expect(faultsOf("ok 1 - a\nok 2 - b\n1..2\n")).to.deep.equal([]);
  });

  it("misses tests that were planned, a plan, and one plan too many", () => {
    expect(faultsOf("1..3\nok 1 - a\n")).to.deep.equal(["1 of 3 tests have ended"]);
    expect(faultsOf("1..1\nok 1 - a\nok 2 - b\n")).to.deep.equal(["2 of 1 tests have ended"]);
    expect(faultsOf("ok 1 - a\n")).to.deep.equal(["there is no plan (1..N)"]);
    expect(faultsOf("1..1\nok 1 - a\n1..1\n")).to.deep.equal(["there are 2 plans"]);
    expect(faultsOf("", 2)).to.have.length(2);
  });

  it("hears a bail-out, and a status that no failure explains", () => {
    expect(faultsOf("1..2\nok 1 - a\nBail out! no rootfs\n")).to.include("Bail out! no rootfs");
    expect(faultsOf("1..1\nok 1 - a\n", 1)).to.deep.equal(["it ended with the status 1, though nothing failed"]);
    expect(faultsOf("1..1\nnot ok 1 - a\n", 1)).to.deep.equal([]);
  });

  it("sees a number that is there twice, and passes over subtests", () => {
    expect(faultsOf("1..2\nok 1 - a\nok 1 - b\n")).to.deep.equal(["a number is there twice"]);
    expect(faultsOf("1..1\n    1..2\n    ok 1 - x\n    ok 2 - y\nok 1 - a\n")).to.deep.equal([]);
  });

  it("skips a program that says so", () => {
    expect(readRun("1..0 # SKIP no cgroup v2\n", 0).skip).to.equal("no cgroup v2");
    expect(readRun("1..0\n", 1).skip).to.equal(undefined);
  });
});

describe("oci --upstream", () => {
  let folder = "";
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "tsrun-upstream-"));
    mkdirSync(join(folder, "validation/deep"), { recursive: true });
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  function program(name: string, script: string): void {
    const path = join(folder, "validation", name);
    writeFileSync(path, `#!/bin/sh\n${script}\n`);
    chmodSync(path, 0o755);
  }

  function judge(...more: string[]): { status: number | null; lines: readonly string[] } {
    const words = ["--runtime", "true", "--upstream", folder, ...more];
    const { exitCode, stdout } = Bun.spawnSync([process.execPath, join(import.meta.dir, "main.ts"), ...words]);
    const lines = stdout.toString().trimEnd().split("\n");
    return { status: exitCode, lines: lines.filter((line) => /^(ok|FAIL|skip|\d)/.test(line)) };
  }

  it("runs every program with RUNTIME and counts what it says", () => {
    program("good.t", 'echo 1..2; echo "ok 1 - $RUNTIME"; echo "not ok 2 - later # TODO not yet"');
    program("deep/skipped.t", 'echo "1..0 # SKIP not here"');
    const { status, lines } = judge();
    expect(lines).to.deep.equal([
      "skip  skipped: not here",
      `ok    good/${Bun.which("true")}`,
      "skip  good/later: not yet",
      "1 passed, 0 failed, 2 skipped",
    ]);
    expect(status).to.equal(0);
  });

  it("is red for a failure, a broken program and an empty folder", () => {
    expect(judge().lines.at(-1)).to.equal("0 passed, 1 failed, 0 skipped");
    program("bad.t", 'echo "1..1"; echo "not ok 1 - x"; echo "# why"; exit 1');
    program("broken.t", 'echo "1..2"; echo "ok 1 - x"; kill -9 $$');
    const { status, lines } = judge();
    expect(lines).to.deep.equal(["FAIL  bad/x", "ok    broken/x", "FAIL  broken", "1 passed, 2 failed, 0 skipped"]);
    expect(status).to.equal(1);
  });

  it("shows what a program said that broke off", () => {
    program("broken.t", 'echo "no such container" >&2; exit 1');
    const { exitCode, stdout } = Bun.spawnSync(
      [process.execPath, join(import.meta.dir, "main.ts"), "--runtime", "true", "--upstream", folder],
      { env: { PATH: process.env["PATH"] ?? "" } },
    );
    expect(exitCode).to.equal(1);
    expect(stdout.toString()).to.contain("        stderr: no such container\n");
  });

  it("takes one entry for tests of one name, as long as one of them fails", () => {
    program("twice.t", 'echo "1..2"; echo "not ok 1 - x"; echo "ok 2 - x"');
    const list = join(folder, "failing.txt");
    writeFileSync(list, "twice/x: known\n");
    expect(judge("--failing", list).lines.at(-1)).to.equal("2 passed, 0 failed, 0 skipped");
    program("twice.t", 'echo "1..2"; echo "ok 1 - x"; echo "ok 2 - x"');
    expect(judge("--failing", list).status).to.equal(1);
    writeFileSync(list, "twice/x: sometimes, for a reason of time\n");
    expect(judge("--failing", list).status).to.equal(0);
  });

  it("takes a list of known failures, and is red for what it lists wrongly", () => {
    program("bad.t", 'echo "1..1"; echo "not ok 1 - x"');
    const list = join(folder, "failing.txt");
    writeFileSync(list, "bad/x: known\n");
    expect(judge("--failing", list).lines).to.deep.equal([
      "ok    bad/x (fails as listed: known)",
      "1 passed, 0 failed, 0 skipped",
    ]);
    writeFileSync(list, "bad/x: known\ngone: known\n");
    expect(judge("--failing", list).status).to.equal(1);
  });
});
