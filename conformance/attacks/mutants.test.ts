import { expect } from "chai";
import { describe, it } from "mocha";
import { loadFailing } from "../harness/failing.ts";
import { ATTACKS } from "./all-attacks.ts";
import { mutate } from "./mutants.ts";

describe("ATTACKS", () => {
  const broken = loadFailing(import.meta.dirname, "runc");

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
