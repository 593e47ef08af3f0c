import { expect } from "chai";
import { describe, it } from "mocha";
import { boolean, text } from "./flags.ts";
import { renderCommandHelp } from "./help.ts";

describe("renderCommandHelp()", () => {
  const spec = {
    name: "go",
    summary: "go somewhere",
    description: "It goes where it is told to go, and comes back when it has been there.",
    args: {},
    flags: { fast: boolean("do not look at what is on the way", { short: "f" }), to: text("where to go") },
  };
  const widest = (width?: number) =>
    Math.max(
      ...renderCommandHelp("x", spec, width)
        .split("\n")
        .map((line) => line.length),
    );

  it("is no wider than the terminal, nor than 100 columns", () => {
    for (const width of [30, 40, 60]) expect(widest(width)).to.be.at.most(width);
    expect(widest(500)).to.equal(widest());
    expect(widest()).to.be.at.most(100);
  });

  it("puts one below the other where there is no room side by side", () => {
    const help = renderCommandHelp("x", spec, 30);
    expect(help).to.contain("   -f, --fast\n      do not look at what is\n      on the way\n   --to VALUE\n");
  });
});
