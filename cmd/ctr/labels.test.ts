import { expect } from "chai";
import { labelsText, parseLabels, timeText } from "./labels.ts";

describe("parseLabels()", () => {
  it("takes keys and values apart at the first sign", () => {
    expect(parseLabels(["a=1", "b=x=y", "c=", "d"])).to.deep.equal({ a: "1", b: "x=y", c: "", d: "" });
    expect(parseLabels([])).to.deep.equal({});
  });

  it("refuses a value without a key", () => {
    expect(() => parseLabels(["=x"])).to.throw(TypeError, /"=x" must be KEY=VALUE/);
  });
});

describe("labelsText()", () => {
  it("says labels in the order of their keys", () => {
    expect(labelsText({ b: "2", a: "1" })).to.equal("a=1,b=2");
    expect(labelsText({})).to.equal("");
  });
});

describe("timeText()", () => {
  it("knows when there is no time", () => {
    expect(timeText(null)).to.equal(undefined);
    expect(timeText({ seconds: 1_700_000_000, nanos: 5e8 })).to.equal("2023-11-14T22:13:20.500Z");
    expect(timeText({ seconds: -62_135_596_800, nanos: 0 })).to.equal(undefined);
  });
});
