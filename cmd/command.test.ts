import { expect } from "chai";
import { optional, required } from "./args.ts";
import { command } from "./command.ts";
import { boolean } from "./flags.ts";

interface Context {
  readonly calls: unknown[];
}

const copy = command({
  name: "copy",
  summary: "copy a thing",
  args: {
    from: required("from", "source", (given) => given.toUpperCase()),
    times: optional("times", "how often", "2", Number),
  },
  flags: { force: boolean("do it", { short: "f" }) },
  run: (context: Context, args, flags) => {
    const from: string = args.from;
    const times: number = args.times;
    const force: boolean = flags.force;
    context.calls.push({ from, times, force });
    return Promise.resolve(7);
  },
});

describe("command()", () => {
  it("hands parsed arguments and flags to run", async () => {
    const calls: unknown[] = [];
    expect(await copy.prepare(["a", "-f", "3"]).run?.({ calls })).to.equal(7);
    expect(calls).to.deep.equal([{ from: "A", times: 3, force: true }]);
  });

  it("fills in what was left out", async () => {
    const calls: unknown[] = [];
    await copy.prepare(["a"]).run?.({ calls });
    expect(calls).to.deep.equal([{ from: "A", times: 2, force: false }]);
  });

  it("runs nothing when help is asked for", () => {
    expect(copy.prepare(["--help"]).run).to.equal(undefined);
  });

  const rejected = [
    { argv: [], message: '"copy" requires a minimum of 1 argument(s)' },
    { argv: ["a", "1", "b"], message: '"copy" requires a maximum of 2 argument(s)' },
  ];
  for (const { argv, message } of rejected) {
    it(`rejects ${JSON.stringify(argv)} in runc's words`, () => {
      expect(() => copy.prepare(argv)).to.throw(message);
    });
  }
});
