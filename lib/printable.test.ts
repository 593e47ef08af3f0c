import { expect } from "chai";
import { describe, it } from "mocha";
import { printable } from "./printable.ts";

describe("printable()", () => {
  it("writes what steers a terminal as escapes", () => {
    expect(printable("a\u001b[31mb\u009b1m\u007f\0\r\n")).to.equal(
      "a\\u001b[31mb\\u009b1m\\u007f\\u0000\\u000d\\u000a",
    );
  });

  it("writes what turns the direction of a line, or does not show, as escapes", () => {
    expect(printable("\u202etxt\u2066\u200b\u2028\u{e0001}")).to.equal("\\u202etxt\\u2066\\u200b\\u2028\\udb40\\udc01");
  });

  it("leaves letters of every script as they are", () => {
    expect(printable("Grüße, 世界 → ok 🙂")).to.equal("Grüße, 世界 → ok 🙂");
  });
});
