import { expect } from "chai";
import { errorLines } from "./log-end.ts";

describe("errorLines()", () => {
  it("takes the lines that speak of errors, without the time and the full stop", () => {
    const log = "(00.1) Version: 3\n(00.086770) Error (criu/vdso.c:381): vdso: Unexpected bounds.\n(00.2) Adjust\n";
    expect(errorLines(log)).to.deep.equal(["Error (criu/vdso.c:381): vdso: Unexpected bounds"]);
  });

  it("takes the last lines where none does", () => {
    expect(errorLines("1\n2\n3\n4\n5\n6\n\n")).to.deep.equal(["2", "3", "4", "5", "6"]);
  });

  it("takes the last five errors", () => {
    const log = Array.from({ length: 9 }, (_, index) => `Error (f:${index}): x`).join("\n");
    expect(errorLines(log)).to.have.lengthOf(5).and.include("Error (f:8): x").and.not.include("Error (f:3): x");
  });

  it("has nothing to say of an empty log", () => expect(errorLines("")).to.deep.equal([]));
});
