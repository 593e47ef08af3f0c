import { expect } from "chai";
import { signalNumber } from "./signals.ts";

describe("signalNumber()", () => {
  const cases: readonly (readonly [string, number | undefined])[] = [
    ["TERM", 15],
    ["SIGTERM", 15],
    ["sigkill", 9],
    ["Hup", 1],
    ["0", 0],
    ["9", 9],
    ["09", 9],
    ["64", 64],
    ["SIGIOT", 6],
    ["POLL", 29],
    ["RTMIN", 34],
    ["SIGRTMIN+3", 37],
    ["RTMAX-1", 63],
    ["SIGRTMAX", 64],
    ["65", undefined],
    ["-9", undefined],
    ["RTMIN-1", undefined],
    ["RTMAX+1", undefined],
    ["", undefined],
    ["SIG", undefined],
    ["BOGUS", undefined],
    ["SIGSIGTERM", undefined],
    ["9x", undefined],
  ];
  for (const [given, number] of cases) {
    it(`${JSON.stringify(given)} → ${number}`, () => {
      expect(signalNumber(given)).to.equal(number);
    });
  }
});
