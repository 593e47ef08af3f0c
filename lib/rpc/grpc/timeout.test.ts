import { expect } from "chai";
import { parseTimeout } from "./timeout.ts";

describe("parseTimeout()", () => {
  for (const [header, ms] of [
    [undefined, undefined],
    ["2H", 7_200_000],
    ["3M", 180_000],
    ["10S", 10_000],
    ["250m", 250],
    ["1500u", 2],
    ["1n", 1],
    ["99999999H", 2 ** 31 - 1],
  ] as const) {
    it(`takes ${header} for ${ms} ms`, () => {
      expect(parseTimeout(header)).to.equal(ms);
    });
  }

  for (const header of ["", "1", "S", "1.5S", "-1S", "123456789S", "1s", " 1S"]) {
    it(`refuses "${header}"`, () => {
      expect(() => parseTimeout(header)).to.throw(`grpc-timeout "${header}" is no time`);
    });
  }
});
