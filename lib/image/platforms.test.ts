import { expect } from "chai";
import { fittingFirst, formatPlatform, parsePlatform, platformOfMachine, rankPlatform } from "./platforms.ts";

describe("rankPlatform()", () => {
  const best = (wanted: string, ...offered: readonly string[]) => {
    const ranked = offered
      .map((name) => ({ name, rank: rankPlatform([parsePlatform(wanted)], parsePlatform(name)) }))
      .filter(({ rank }) => rank !== undefined)
      .toSorted((a, b) => (a.rank ?? 0) - (b.rank ?? 0));
    return ranked.map(({ name }) => name);
  };

  for (const [wanted, offered, expected] of [
    ["linux/amd64", ["linux/386", "linux/arm64", "linux/amd64"], ["linux/amd64", "linux/386"]],
    ["linux/amd64/v3", ["linux/amd64", "linux/amd64/v4", "linux/amd64/v2"], ["linux/amd64/v2", "linux/amd64"]],
    [
      "linux/arm64",
      ["linux/arm/v6", "linux/arm/v7", "linux/arm64/v8"],
      ["linux/arm64/v8", "linux/arm/v7", "linux/arm/v6"],
    ],
    ["linux/arm", ["linux/arm/v6", "linux/arm/7", "linux/arm/v8"], ["linux/arm/7", "linux/arm/v6"]],
    ["linux/arm/v6", ["linux/arm/v7", "linux/arm/v5"], ["linux/arm/v5"]],
    ["linux/aarch64", ["linux/arm64"], ["linux/arm64"]],
    ["linux/riscv64", ["linux/riscv64", "linux/amd64"], ["linux/riscv64"]],
    ["linux/amd64", ["windows/amd64", "unknown/unknown"], []],
  ] as const) {
    it(`gives ${wanted} of ${offered.join(", ")}: ${expected.join(", ") || "none"}`, () => {
      expect(best(wanted, ...offered)).to.deep.equal(expected);
    });
  }

  it("prefers what is wanted first", () => {
    const wanted = [parsePlatform("linux/s390x"), parsePlatform("linux/amd64")];
    expect(rankPlatform(wanted, parsePlatform("linux/s390x"))).to.equal(0);
    expect(rankPlatform(wanted, parsePlatform("amd64"))).to.equal(1);
  });
});

describe("parsePlatform()", () => {
  it("takes an architecture alone", () => {
    expect(formatPlatform(parsePlatform("arm64"))).to.equal("linux/arm64");
  });

  for (const text of ["", "linux/", "/amd64", "linux/arm/v7/x", "linux amd64", "a/b;c"]) {
    it(`refuses "${text}"`, () => expect(() => parsePlatform(text)).to.throw(/invalid platform/));
  }
});

describe("fittingFirst()", () => {
  it("gives what serves in the order of what is wanted, and what says nothing last", () => {
    const offered = [
      { name: "unsaid" },
      { name: "386", platform: parsePlatform("linux/386") },
      { name: "arm64", platform: parsePlatform("linux/arm64") },
      { name: "amd64", platform: parsePlatform("linux/amd64") },
    ];
    const fitting = fittingFirst([parsePlatform("linux/amd64")], offered);
    expect(fitting.map(({ name }) => name)).to.deep.equal(["amd64", "386", "unsaid"]);
  });
});

describe("platformOfMachine()", () => {
  for (const [arch, platform] of [
    ["x64", "linux/amd64"],
    ["arm64", "linux/arm64"],
  ] as const) {
    it(`calls ${arch} ${platform}`, () => expect(formatPlatform(platformOfMachine(arch))).to.equal(platform));
  }
});
