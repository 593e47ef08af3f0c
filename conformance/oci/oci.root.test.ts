import { join } from "node:path";
import { expect } from "chai";
import { before, describe, it } from "mocha";
import { requireRoot } from "../../lib/testing/runtime-site.ts";

/** Some 2 s on a quiet machine. */
const SHORT_MS = 300_000;

describe("conformance/oci", () => {
  before(function () {
    requireRoot(this);
  });

  it("finds nothing in its short selection that is not listed", () => {
    const command = [process.execPath, join(import.meta.dir, "main.ts"), "--short"];
    const { exitCode, stdout, stderr } = Bun.spawnSync(command);
    const red = stdout
      .toString()
      .split("\n")
      .filter((line) => line.startsWith("FAIL") || line.startsWith(" "));
    expect([...red, stderr.toString().trim()].join("\n").trim()).to.equal("");
    expect(exitCode).to.equal(0);
  }).timeout(SHORT_MS);
});
