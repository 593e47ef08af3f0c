import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { describe, it } from "mocha";
import { parseFailing } from "../harness/failing.ts";
import { ATTACKS } from "./all-attacks.ts";
import { mutate } from "./mutants.ts";

describe("ATTACKS", () => {
  const broken = parseFailing(readFileSync(join(import.meta.dirname, "failing.runc.txt"), "utf8"));

  it("have names of their own", () => {
    const names = ATTACKS.map(({ name }) => name);
    expect([...new Set(names)]).to.deep.equal(names);
  });

  for (const { name, mutant } of ATTACKS) {
    it(`${name}: can be seen to succeed`, () => {
      expect(broken.has(name) || mutant !== undefined).to.equal(true);
      for (const [file, text] of mutate(mutant ?? [])) expect(text, file).not.to.equal("");
    });
  }
});
