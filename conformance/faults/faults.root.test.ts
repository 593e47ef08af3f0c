import { expect } from "chai";
import { describe, it } from "mocha";
import { requireRoot } from "../../lib/testing/runtime-site.ts";
import { runSuite } from "../harness/run-suite.ts";

const LIMIT_MS = 120_000;

/** What needs no tracer and little time; the others are run by `npm run conformance`. */
const CHOSEN = [
  "state.json of a created",
  "the state root is full",
  "the cgroups of a running",
  "the state root is something",
];

describe("faults", () => {
  before(function () {
    requireRoot(this);
  });

  it("are told, and leave nothing", async () => {
    expect(await runSuite(import.meta.dirname, CHOSEN)).to.equal(`${CHOSEN.length} passed, 0 failed, 0 skipped`);
  }).timeout(LIMIT_MS);
});
