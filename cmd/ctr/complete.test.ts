import { expect } from "chai";
import { describe, it } from "mocha";
import { complete } from "./complete.ts";
import type { CtrContext } from "./context.ts";
import { programSpec } from "./help.ts";

/** Nobody answers. */
const CONTEXT = {
  describe: async () => await programSpec("tsctr"),
  connect: () => Promise.reject(new Error("no daemon")),
} as unknown as CtrContext;

async function completed(line: string): Promise<readonly string[]> {
  return await complete(CONTEXT, line.split(" "));
}

describe("complete()", () => {
  it("knows commands", async () => {
    expect(await completed(""))
      .to.include.members(["ps", "run", "images", "snapshots"])
      .and.not.include("images ls");
    expect(await completed("sta")).to.deep.equal(["start", "stats"]);
    expect(await completed("nosuch")).to.deep.equal([]);
  });

  it("knows the verbs of nouns", async () => {
    expect(await completed("namespaces ")).to.include.members(["ls", "create", "rm"]);
    expect(await completed("namespaces l")).to.deep.equal(["label", "ls"]);
    expect(await completed("volume ")).to.deep.equal(["create", "inspect", "ls", "prune", "rm"]);
    expect(await completed("volume rm --f")).to.deep.equal(["--force"]);
  });

  it("knows options", async () => {
    expect(await completed("ps --a")).to.deep.equal(["--all"]);
    expect(await completed("ps ")).to.deep.equal([]);
    expect(await completed("run --cap-")).to.deep.equal(["--cap-add", "--cap-drop"]);
    expect(await completed("--add")).to.deep.equal(["--address"]);
  });

  it("knows the values of options that have a closed set", async () => {
    expect(await completed("ps --format ")).to.deep.equal(["json", "table"]);
    expect(await completed("run --pull al")).to.deep.equal(["always"]);
  });
});
