import { expect } from "chai";
import { parseKib, parseTimes } from "./measure.ts";

describe("parseTimes()", () => {
  it("reads the times of the first result", () => {
    expect(parseTimes({ results: [{ mean: 2, times: [0.25, 0.5] }] })).to.deep.equal([0.25, 0.5]);
  });

  for (const report of [null, {}, { results: [] }, { results: [{ times: "soon" }] }])
    it(`refuses ${JSON.stringify(report)}`, () => {
      expect(() => parseTimes(report)).to.throw("cannot read hyperfine's report");
    });
});

describe("parseKib()", () => {
  const text = "Rss:                1234 kB\nPss:                  56 kB\nPss_Dirty:            7 kB\n";

  it("finds the field with exactly that name", () => {
    expect(parseKib(text, "Pss")).to.equal(56);
  });

  it("finds nothing else", () => {
    expect(parseKib(text, "Swap")).to.equal(undefined);
  });
});
