import { expect } from "chai";
import { bisect, median } from "./statistics.ts";

describe("median()", () => {
  const cases = [
    { values: [3], expected: 3 },
    { values: [9, 1, 5], expected: 5 },
    { values: [10, 2, 4, 1000], expected: 7 },
  ];
  for (const { values, expected } of cases)
    it(`of ${values.join(", ")} is ${expected}`, () => {
      expect(median(values)).to.equal(expected);
    });

  it("refuses nothing", () => {
    expect(() => median([])).to.throw(TypeError);
  });
});

describe("bisect()", () => {
  const from = (limit: number) => (value: number) => Promise.resolve(value >= limit);

  it("finds the smallest step that works", async () => {
    expect(await bisect({ low: 0, high: 1024, step: 8 }, from(301))).to.equal(304);
  });

  it("finds the first step", async () => {
    expect(await bisect({ low: 0, high: 1024, step: 8 }, from(1))).to.equal(8);
  });

  it("finds nothing where nothing works", async () => {
    expect(await bisect({ low: 0, high: 64, step: 8 }, from(65))).to.equal(undefined);
  });
});
