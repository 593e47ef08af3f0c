import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { before, describe, it } from "mocha";
import { requireRoot } from "../../lib/testing/runtime-site.ts";

const SUITE_MS = 300_000;
const TSRUN = join(import.meta.dir, "../../dist/tsrun");

/** What is red when properties of the config have no effect, by the scenario that notices. */
const NOTICED: Readonly<Record<string, readonly string[]>> = {
  "hooks/all": ["RT-17", "RT-19", "RT-21", "RT-23", "RT-26", "RT-29", "HK-06", "HK-22"],
  "uts/names": ["CF-09"],
  "state/properties": ["RT-11"],
  "root/readonly": ["CF-08"],
  "process/user": ["PR-33", "PR-34", "PR-35", "PR-36"],
  "process/rlimits": ["PR-14", "PR-15"],
  "process/oom-score": ["PR-26"],
  "process/privileges": ["PR-25"],
  "linux/masked": ["CL-65"],
  "linux/readonly": ["CL-67"],
  "linux/sysctl": ["CL-60"],
  "linux/propagation": ["CL-61", "CL-64"],
  "linux/personality": ["CL-71"],
  "devices/listed": ["CL-28", "CL-29", "CL-31", "CL-33", "CL-34", "CL-35"],
  "seccomp/rules": ["SE-15", "SE-16"],
  "seccomp/invalid": ["SE-14", "SE-17"],
  "cgroups/memory": ["CG-17", "CG-18"],
  "cgroups/pids": ["CG-32"],
};

function judge(...words: string[]): readonly string[] {
  const command = [process.execPath, join(import.meta.dir, "main.ts"), ...words];
  const { stdout, stderr } = Bun.spawnSync(command, { stderr: "pipe" });
  expect(stderr.toString().trim()).to.equal("");
  return stdout.toString().split("\n");
}

describe("conformance/oci", () => {
  before(function () {
    requireRoot(this);
  });

  it("finds nothing in its short selection that is not listed", () => {
    const lines = judge("--short");
    expect(lines.filter((line) => line.startsWith("FAIL") || line.startsWith(" ")).join("\n")).to.equal("");
    expect(lines.join("\n")).to.match(/\n\d\d+ passed, 0 failed, \d+ skipped\n$/);
  }).timeout(SUITE_MS);

  it("notices a runtime that passes over what configs ask for", () => {
    const folder = mkdtempSync(join(tmpdir(), "tsrun-forgetful-"));
    try {
      const runtime = join(folder, "forgetful");
      const script = join(import.meta.dir, "forgetful-runtime.ts");
      writeFileSync(runtime, `#!/bin/sh\nexec ${process.execPath} ${script} ${TSRUN} "$@"\n`);
      chmodSync(runtime, 0o755);
      const names = Object.keys(NOTICED).flatMap((name) => ["--only", name]);
      const lines = judge("--runtime", runtime, ...names);
      const red = new Set(lines.map((line) => /^FAIL {2}(\S+)/.exec(line)?.[1]));
      expect(lines.filter((line) => line.includes("broke off"))).to.deep.equal([]);
      const missed = Object.values(NOTICED)
        .flat()
        .filter((id) => !red.has(id));
      expect(missed).to.deep.equal([]);
    } finally {
      rmSync(folder, { recursive: true });
    }
  }).timeout(SUITE_MS);
});
