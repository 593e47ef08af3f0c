import { expect } from "chai";
import { parseDuration } from "./duration.ts";

const CASES: readonly (readonly [given: string, milliseconds: number])[] = [
  ["0", 0],
  ["5s", 5000],
  ["1m30s", 90_000],
  ["1.5h", 5_400_000],
  [".5s", 500],
  ["500ms", 500],
  ["250us", 0.25],
  ["250µs", 0.25],
  ["-2s", -2000],
  ["+2s", 2000],
];

describe("parseDuration()", () => {
  for (const [given, milliseconds] of CASES) {
    it(`reads ${given}`, () => {
      expect(parseDuration(given)).to.be.closeTo(milliseconds, 1e-9);
    });
  }

  for (const given of ["", "5", "5x", "s", "5 s", "1m 30s", "-", ".s"]) {
    it(`refuses ${JSON.stringify(given)}`, () => {
      expect(() => parseDuration(given)).to.throw(TypeError, "must be a duration");
    });
  }
});
