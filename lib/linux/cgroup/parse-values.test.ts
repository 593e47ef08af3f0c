import { expect } from "chai";
import { parseKeyed, parseList, parseNumber, parseNumbers, parsePressure } from "./parse-values.ts";

describe("parseNumber()", () => {
  it("keeps all digits of what a double would round", () => {
    expect(parseNumber("9223372036854771712\n")).to.equal(9_223_372_036_854_771_712n);
  });

  it("knows no number in max, nothing and words", () => {
    for (const text of ["max\n", "", undefined, "1 2", "0x1"]) expect(parseNumber(text)).to.equal(undefined);
  });

  it("takes negative numbers", () => {
    expect(parseNumber("-1\n")).to.equal(-1n);
  });
});

describe("parseKeyed()", () => {
  it("takes lines of a key and a number only", () => {
    expect([...parseKeyed("cache 5\nfoo bar\nrss 0\n\n")]).to.deep.equal([
      ["cache", 5n],
      ["rss", 0n],
    ]);
  });
});

describe("parseNumbers()", () => {
  it("takes numbers with spaces between", () => {
    expect(parseNumbers("1 22  3 \n")).to.deep.equal([1n, 22n, 3n]);
  });
});

describe("parseList()", () => {
  it("opens ranges", () => {
    expect(parseList("0-2,7\n")).to.deep.equal([0, 1, 2, 7]);
    expect(parseList("\n")).to.deep.equal([]);
  });
});

describe("parsePressure()", () => {
  const some = "some avg10=0.50 avg60=1.25 avg300=0.00 total=9007199254740993";

  it("reads both lines", () => {
    expect(parsePressure(`${some}\nfull avg10=0.10 avg60=0.00 avg300=0.00 total=2\n`)).to.deep.equal({
      some: { avg10: 0.5, avg60: 1.25, avg300: 0, total: 9_007_199_254_740_993n },
      full: { avg10: 0.1, avg60: 0, avg300: 0, total: 2n },
    });
  });

  it("has zeros for the full line that older kernels lack, and nothing without PSI", () => {
    expect(parsePressure(some)?.full).to.deep.equal({ avg10: 0, avg60: 0, avg300: 0, total: 0n });
    expect(parsePressure("")).to.equal(undefined);
  });
});
