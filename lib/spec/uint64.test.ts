import { expect } from "chai";
import { describe, it } from "mocha";
import { toUint64 } from "./uint64.ts";

describe("toUint64()", () => {
  it("keeps what a double holds", () => {
    expect(toUint64(2 ** 53)).to.equal(2n ** 53n);
    expect(toUint64(0)).to.equal(0n);
  });
  it("gives RLIM_INFINITY back", () => {
    expect(toUint64(JSON.parse("18446744073709551615"))).to.equal(0xffff_ffff_ffff_ffffn);
  });
});
