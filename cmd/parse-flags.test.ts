import { expect } from "chai";
import { boolean, count, oneOf, path, repeated, text } from "./flags.ts";
import { parseFlags } from "./parse-flags.ts";

const flags = {
  bundle: path("where", { short: "b" }),
  consoleSocket: path("socket"),
  preserveFds: count("how many"),
  noPivot: boolean("no pivot"),
  all: boolean("all", { short: "a" }),
  env: repeated("variables", { short: "e" }),
  memory: text("limit"),
  format: oneOf(["table", "json"], "how", { short: "f" }),
};

const NOTHING_GIVEN = {
  bundle: undefined,
  consoleSocket: undefined,
  preserveFds: 0,
  noPivot: false,
  all: false,
  env: [],
  memory: undefined,
  format: "table",
};

describe("parseFlags()", () => {
  const accepted = [
    { argv: [], flags: {} },
    { argv: ["--bundle", "x"], flags: { bundle: "x" } },
    { argv: ["--bundle=x"], flags: { bundle: "x" } },
    { argv: ["-bundle", "x"], flags: { bundle: "x" } },
    { argv: ["-bundle=x"], flags: { bundle: "x" } },
    { argv: ["-b", "x"], flags: { bundle: "x" } },
    { argv: ["-b=x"], flags: { bundle: "x" } },
    { argv: ["--b", "x"], flags: { bundle: "x" } },
    { argv: ["--bundle="], flags: { bundle: undefined } },
    { argv: ["--bundle=a=b"], flags: { bundle: "a=b" } },
    { argv: ["-b", "x", "-b", "y"], flags: { bundle: "y" } },
    { argv: ["-console-socket", "s"], flags: { consoleSocket: "s" } },
    { argv: ["-no-pivot"], flags: { noPivot: true } },
    { argv: ["--no-pivot=false"], flags: { noPivot: false } },
    { argv: ["--no-pivot=T", "-a=1"], flags: { noPivot: true, all: true } },
    { argv: ["--all", "--all=0"], flags: { all: false } },
    { argv: ["--memory", "-1"], flags: { memory: "-1" } },
    { argv: ["--memory", "--"], flags: { memory: "--" } },
    { argv: ["--preserve-fds", "3"], flags: { preserveFds: 3 } },
    { argv: ["-e", "A=1,2", "--env", "B"], flags: { env: ["A=1,2", "B"] } },
    { argv: ["-f", "json"], flags: { format: "json" } },
  ] as const;
  for (const { argv, flags: given } of accepted) {
    it(`accepts ${JSON.stringify(argv)}`, () => {
      const parsed = parseFlags(flags, argv);
      expect(parsed.flags).to.deep.equal({ ...NOTHING_GIVEN, ...given });
      expect(parsed.positionals).to.deep.equal([]);
    });
  }

  const rejected = [
    { argv: ["--bogus"], message: "flag provided but not defined: -bogus" },
    { argv: ["-consoleSocket", "x"], message: "flag provided but not defined: -consoleSocket" },
    { argv: ["--constructor"], message: "flag provided but not defined: -constructor" },
    { argv: ["-ab"], message: "flag provided but not defined: -ab" },
    { argv: ["--bundle"], message: "flag needs an argument: -bundle" },
    { argv: ["---all"], message: "bad flag syntax: ---all" },
    { argv: ["-=x"], message: "bad flag syntax: -=x" },
    { argv: ["--all=maybe"], message: 'invalid boolean value "maybe" for flag -all' },
    { argv: ["--preserve-fds", "x"], message: 'invalid value "x" for flag -preserve-fds' },
    { argv: ["--preserve-fds", "-1"], message: 'invalid value "-1" for flag -preserve-fds' },
    { argv: ["--format", "xml"], message: 'invalid value "xml" for flag -format' },
  ];
  for (const { argv, message } of rejected) {
    it(`rejects ${JSON.stringify(argv)}`, () => {
      expect(() => parseFlags(flags, argv)).to.throw(message);
    });
  }

  const positionals = [
    { argv: ["id", "--all"], all: true, rest: ["id"] },
    { argv: ["--all", "id"], all: true, rest: ["id"] },
    { argv: ["--", "--all"], all: false, rest: ["--all"] },
    { argv: ["id", "--", "-x"], all: false, rest: ["id", "-x"] },
    { argv: ["-"], all: false, rest: ["-"] },
    { argv: [""], all: false, rest: [""] },
  ];
  for (const { argv, all, rest } of positionals) {
    it(`finds the positionals of ${JSON.stringify(argv)}`, () => {
      const parsed = parseFlags(flags, argv);
      expect(parsed.flags.all).to.equal(all);
      expect(parsed.positionals).to.deep.equal(rest);
    });
  }

  it("stops at the first positional when told to", () => {
    const parsed = parseFlags(flags, ["-a", "id", "-9", "--", "--bogus"], { stopAtPositional: true });
    expect(parsed.flags.all).to.equal(true);
    expect(parsed.positionals).to.deep.equal(["id", "-9", "--", "--bogus"]);
  });

  for (const word of ["-h", "--help", "-help", "--h"]) {
    it(`takes ${word} for a wish for help, whatever else is wrong`, () => {
      expect(parseFlags(flags, [word, "--format", "xml"]).help).to.equal(true);
    });
  }
});
