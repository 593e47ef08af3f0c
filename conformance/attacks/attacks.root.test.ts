import { expect } from "chai";
import { describe, it } from "mocha";
import { requireRoot } from "../../lib/testing/runtime-site.ts";
import { runSuite } from "../harness/run-suite.ts";

const LIMIT_MS = 120_000;

/** Of every subject what takes no time; the others are run by `npm run conformance`. */
const CHOSEN = [
  "paths/mount destination is a link out",
  "paths/dev is a link out",
  "proc/sysctl into",
  "devices/null is",
  "descriptors/of the created",
  "processes/environment",
  "identity/inheritable",
  "input/ids",
  "surroundings/umask",
];

describe("attacks", () => {
  before(function () {
    requireRoot(this);
  });

  it("come to nothing", async () => {
    expect(await runSuite(import.meta.dirname, CHOSEN)).to.equal(`${CHOSEN.length} passed, 0 failed, 0 skipped`);
  }).timeout(LIMIT_MS);
});
