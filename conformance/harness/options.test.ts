import { expect } from "chai";
import { describe, it } from "mocha";
import { helpOf, parseOptions } from "./options.ts";

const OPTIONS = {
  only: { type: "string", multiple: true },
  rounds: { type: "string", default: "5" },
  long: { type: "boolean", default: false },
} as const;

describe("parseOptions()", () => {
  it("gives values, and defaults for the others", () => {
    const values = { only: ["a", "b"], rounds: "7", long: false };
    expect(parseOptions(["--only", "a", "--only=b", "--rounds", "7"], OPTIONS)).to.deep.equal({
      kind: "values",
      values,
    });
  });

  it("sees the wish for help, whatever else is wrong", () => {
    for (const words of [["--help"], ["-h"], ["--nonesuch", "--help"]])
      expect(parseOptions(words, OPTIONS)).to.deep.equal({ kind: "help" });
  });

  const faults = [
    { words: ["--nonesuch"], fault: "unknown option '--nonesuch'" },
    { words: ["oci"], fault: "unexpected argument 'oci'" },
    { words: ["--only"], fault: "option '--only <value>' argument missing" },
    { words: ["--only", "--long"], fault: "option '--only' argument is ambiguous" },
    { words: ["--long=yes"], fault: "option '--long' does not take an argument" },
    { words: ["--rounds", "many"], fault: '--rounds takes a number, not "many"' },
    { words: ["--rounds", "-1"], fault: "option '--rounds' argument is ambiguous" },
    { words: ["--rounds="], fault: '--rounds takes a number, not ""' },
  ];
  for (const { words, fault } of faults) {
    it(`refuses ${words.join(" ")} in one line`, () => {
      expect(parseOptions(words, OPTIONS)).to.deep.equal({ kind: "fault", fault });
    });
  }
});

describe("helpOf()", () => {
  it("takes the first comment, without its frame", () => {
    const source =
      '/**\n * Suite: what it judges.\n *\n *   bun main.ts [--only TEXT]\n */\nimport "x";\n/** Other. */\n';
    expect(helpOf(source)).to.equal("Suite: what it judges.\n\n  bun main.ts [--only TEXT]");
  });
});
