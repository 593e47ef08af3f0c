import { readdirSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { describe, it } from "mocha";
import { expectGolden } from "../lib/testing/golden.ts";
import type { CommandSpec } from "./command.ts";
import * as ctr from "./ctr/help.ts";
import { COMMANDS as CTR_COMMANDS } from "./ctr/program.ts";
import { pageName, renderCommandPage, renderProgramPage } from "./man.ts";
import * as runtime from "./runtime/help.ts";
import { COMMANDS as RUNTIME_COMMANDS } from "./runtime/program.ts";

const FOLDER = join(import.meta.dir, "../docs/man");

const PROGRAMS: readonly {
  readonly name: string;
  readonly commands: Readonly<Record<string, () => Promise<CommandSpec>>>;
  readonly help: typeof runtime;
}[] = [
  { name: "tsrun", commands: RUNTIME_COMMANDS, help: runtime },
  { name: "tsctr", commands: CTR_COMMANDS, help: { ...runtime, ...ctr } },
];

function expectPage(name: string, text: string): void {
  expectGolden(join(FOLDER, name), text);
}

/** Words and numbers alone: layout is each one's own. */
function words(text: string): readonly string[] {
  return text.split(/[^\w/-]+/).filter((word) => word !== "");
}

for (const { name: program, commands, help } of PROGRAMS) {
  describe(`docs/man of ${program}`, () => {
    it("has the page of the program", async () => {
      expectPage(`${program}.8.md`, renderProgramPage(await help.programSpec(program)));
    });

    for (const [name, load] of Object.entries(commands)) {
      it(`has a page of ${name} that says all that --help says`, async () => {
        const spec = await load();
        expect(spec.name).to.equal(name);
        const page = renderCommandPage(program, spec);
        expectPage(`${pageName(program, spec)}.8.md`, page);
        const told = new Set(words(page.toLowerCase()));
        const text = words((await help.helpText(program, name)).toLowerCase());
        // Help says of itself that it does nothing else.
        const own = new Set(["do", "nothing", "else", "this", "and", "usage"]);
        expect(text.filter((word) => !told.has(word) && !own.has(word))).to.deep.equal([]);
      });
    }

    it("has no page of a command that is gone", () => {
      const pages = readdirSync(FOLDER).filter((file) => file.startsWith(`${program}-`));
      const wanted = Object.keys(commands).map((name) => `${program}-${name.replaceAll(" ", "-")}.8.md`);
      expect(pages.sort()).to.deep.equal(wanted.sort());
    });
  });
}
