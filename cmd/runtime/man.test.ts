import { readdirSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { describe, it } from "mocha";
import { expectGolden } from "../../lib/testing/golden.ts";
import { renderCommandPage, renderProgramPage } from "../man.ts";
import { helpText, programSpec } from "./help.ts";
import { COMMANDS } from "./program.ts";

const FOLDER = join(import.meta.dir, "../../docs/man");

function expectPage(name: string, text: string): void {
  expectGolden(join(FOLDER, name), text);
}

/** Words and numbers alone: layout is each one's own. */
function words(text: string): readonly string[] {
  return text.split(/[^\w/-]+/).filter((word) => word !== "");
}

describe("docs/man", () => {
  it("has the page of the program", async () => {
    expectPage("tsrun.8.md", renderProgramPage(await programSpec("tsrun")));
  });

  for (const [name, load] of Object.entries(COMMANDS)) {
    it(`has a page of ${name} that says all that --help says`, async () => {
      const page = renderCommandPage("tsrun", await load());
      expectPage(`tsrun-${name}.8.md`, page);
      const told = new Set(words(page.toLowerCase()));
      const help = words((await helpText("tsrun", name)).toLowerCase());
      // Help says of itself that it does nothing else.
      const own = new Set(["do", "nothing", "else", "this", "and", "usage"]);
      expect(help.filter((word) => !told.has(word) && !own.has(word))).to.deep.equal([]);
    });
  }

  it("has no page of a command that is gone", () => {
    const pages = readdirSync(FOLDER).filter((file) => /^tsrun-.*\.8\.md$/.test(file));
    expect(pages.sort()).to.deep.equal(
      Object.keys(COMMANDS)
        .map((name) => `tsrun-${name}.8.md`)
        .sort(),
    );
  });
});
