import { join } from "node:path";
import { expect } from "chai";
import { describe, it } from "mocha";
import { requireRoot } from "../../lib/testing/runtime-site.ts";

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
    const words = CHOSEN.flatMap((name) => ["--only", name]);
    const child = Bun.spawn([process.execPath, join(import.meta.dirname, "main.ts"), ...words], { stderr: "pipe" });
    const output = await child.stdout.text();
    await child.exited;
    expect(output).to.match(new RegExp(`\\n${CHOSEN.length} passed, 0 failed, 0 skipped\\n$`));
  }).timeout(LIMIT_MS);
});
