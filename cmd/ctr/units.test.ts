import { expect } from "chai";
import { describe, it } from "mocha";
import { ageText, memoryText, sizeText } from "./units.ts";

describe("units", () => {
  it("say ages", () => {
    const ages = [-5, 0, 999, 1000, 59_999, 60_000, 7_200_000, 86_400_000 * 8, 86_400_000 * 800].map(ageText);
    expect(ages).to.deep.equal([
      ...["0 seconds ago", "0 seconds ago", "0 seconds ago", "1 second ago", "59 seconds ago", "1 minute ago"],
      ...["2 hours ago", "1 week ago", "2 years ago"],
    ]);
  });

  it("say sizes", () => {
    expect([0, 999, 1000, 1_234_567, 5e15].map(sizeText)).to.deep.equal(["0B", "999B", "1kB", "1.23MB", "5PB"]);
    expect([512, 1536, 67_108_864].map(memoryText)).to.deep.equal(["512B", "1.5KiB", "64MiB"]);
  });
});
