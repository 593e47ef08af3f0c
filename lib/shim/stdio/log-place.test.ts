import { expect } from "chai";
import { parseLogPlace } from "./log-place.ts";

const parse = (query: string) => parseLogPlace("/log", [...new URLSearchParams(query)]);

describe("parseLogPlace()", () => {
  it("takes docker's options, and counts as docker does", () => {
    expect(parse("")).to.deep.equal({ path: "/log", maxBytes: undefined, maxFiles: 1 });
    expect(parse("max-size=10m&max-file=3")).to.deep.equal({ path: "/log", maxBytes: 10e6, maxFiles: 3 });
    expect(parse("max-file=2&max-size=1K").maxBytes).to.equal(1000);
    expect(parse("max-size=5").maxBytes).to.equal(5);
    expect(parse("max-size=2g").maxBytes).to.equal(2e9);
  });

  const refused: readonly (readonly [string, RegExp])[] = [
    ["max-size=0", /max-size "0" must be/],
    ["max-size=-1", /max-size "-1"/],
    ["max-size=1.5m", /max-size "1.5m"/],
    ["max-size=10mb", /max-size "10mb"/],
    ["max-size=", /max-size ""/],
    ["max-size=99999999999999g", /max-size/],
    ["max-size=1k&max-file=0", /max-file "0" must be a number from 1 to 1000/],
    ["max-size=1k&max-file=1001", /max-file "1001"/],
    ["max-file=3", /max-file needs max-size/],
    ["max-size=1k&max-size=2k", /max-size is given twice/],
    ["compress=true", /there is no option "compress": options are max-size and max-file/],
  ];
  for (const [query, text] of refused) {
    it(`refuses ${query}`, () => {
      expect(() => parse(query)).to.throw(TypeError, text);
    });
  }
});
