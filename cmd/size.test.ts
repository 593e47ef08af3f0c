import { expect } from "chai";
import { parseSize } from "./size.ts";

const CASES: readonly (readonly [given: string, bytes: number])[] = [
  ["-1", -1],
  ["0", 0],
  ["67108864", 67_108_864],
  ["64k", 65_536],
  ["64K", 65_536],
  ["64m", 67_108_864],
  ["64mb", 67_108_864],
  ["64MiB", 67_108_864],
  ["1.5g", 1_610_612_736],
  ["1 g", 1_073_741_824],
  ["2t", 2_199_023_255_552],
  ["10b", 10],
];

describe("parseSize()", () => {
  for (const [given, bytes] of CASES) {
    it(`reads ${given}`, () => {
      expect(parseSize(given)).to.equal(bytes);
    });
  }

  for (const given of ["", "-2", "64x", "m", "1.2.3", "64 mm", "0x10", "9999999t"]) {
    it(`refuses ${JSON.stringify(given)}`, () => {
      expect(() => parseSize(given)).to.throw(TypeError, "must be a size");
    });
  }
});
