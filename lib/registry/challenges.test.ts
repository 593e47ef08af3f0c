import { expect } from "chai";
import { parseChallenges } from "./challenges.ts";

describe("parseChallenges()", () => {
  for (const [header, expected] of [
    ["", []],
    ["Basic", [["basic", {}]]],
    ['Basic realm="a, b"', [["basic", { realm: "a, b" }]]],
    [
      'Bearer realm="https://x/token",service="y",scope="repository:a:pull,push"',
      [["bearer", { realm: "https://x/token", service: "y", scope: "repository:a:pull,push" }]],
    ],
    [
      'Bearer realm="x" , service=y, Basic realm="z"',
      [
        ["bearer", { realm: "x", service: "y" }],
        ["basic", { realm: "z" }],
      ],
    ],
    ['Basic realm="a\\"b\\\\c"', [["basic", { realm: 'a"b\\c' }]]],
    [
      "Negotiate, Basic realm=x",
      [
        ["negotiate", {}],
        ["basic", { realm: "x" }],
      ],
    ],
    ['Basic realm="open', [["basic", {}]]],
    ["\u0000", []],
  ] as const) {
    it(`reads ${JSON.stringify(header)}`, () => {
      const found = parseChallenges(header).map(({ scheme, parameters }) => [scheme, Object.fromEntries(parameters)]);
      expect(found).to.deep.equal(expected);
    });
  }

  it("comes to an end with what is meant to take long", () => {
    expect(parseChallenges(`Basic ${'a="'.repeat(50_000)}`)).not.to.deep.equal([]);
    expect(parseChallenges(`${"a ".repeat(50_000)}"`)).not.to.deep.equal([]);
    expect(parseChallenges(`Basic realm="${"\\".repeat(100_001)}`)).not.to.deep.equal([]);
  });
});
