import { expect } from "chai";
import { describe, it } from "mocha";
import { boolean, repeated, text } from "../flags.ts";
import { UsageError } from "../usage-error.ts";
import { scan } from "./scan.ts";

const FLAGS = {
  interactive: boolean("", { short: "i" }),
  tty: boolean("", { short: "t" }),
  env: repeated("", { short: "e" }),
  cgroupParent: text(""),
};

function read(line: string, stop = true): unknown {
  const { texts, positionals } = scan(FLAGS, line.split(" "), stop);
  return [Object.fromEntries(texts), positionals];
}

describe("scan()", () => {
  const cases: readonly (readonly [line: string, texts: object, positionals: readonly string[]])[] = [
    ["-it image sh", { interactive: ["true"], tty: ["true"] }, ["image", "sh"]],
    ["-ti -e A=1 -eB=2 -e=C=3 x", { tty: ["true"], interactive: ["true"], env: ["A=1", "B=2", "C=3"] }, ["x"]],
    ["-ite A=1 x", { interactive: ["true"], tty: ["true"], env: ["A=1"] }, ["x"]],
    ["-iteA=1 x", { interactive: ["true"], tty: ["true"], env: ["A=1"] }, ["x"]],
    ["--env=A=1=2 --env B x", { env: ["A=1=2", "B"] }, ["x"]],
    ["--cgroup-parent /a --tty=false x", { cgroupParent: ["/a"], tty: ["false"] }, ["x"]],
    ["-i=false x", { interactive: ["false"] }, ["x"]],
    ["image --tty -i", {}, ["image", "--tty", "-i"]],
    ["-- -i x", {}, ["-i", "x"]],
    ["- -i", {}, ["-", "-i"]],
    ["--env= x", { env: [""] }, ["x"]],
    ["--help x", { "": ["true"] }, ["x"]],
  ];
  for (const [line, texts, positionals] of cases) {
    it(`reads ${line}`, () => expect(read(line)).to.deep.equal([texts, positionals]));
  }

  it("reads options behind arguments where they are the command's own", () => {
    expect(read("one -i two --env A", false)).to.deep.equal([{ interactive: ["true"], env: ["A"] }, ["one", "two"]]);
  });

  for (const [line, why] of [
    ["-x", "there is no option -x"],
    ["-ix", "there is no option -x"],
    ["--no-tty", "there is no option --no-tty"],
    ["--cgroupParent x", "there is no option --cgroupParent"],
    ["--env", "the option --env needs a value"],
    ["-ie", "the option -e needs a value"],
    ["---", "there is no option ---"],
  ] as const) {
    it(`refuses ${line}`, () => expect(() => read(line)).to.throw(UsageError, why));
  }
});
