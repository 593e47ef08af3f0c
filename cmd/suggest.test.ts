import { expect } from "chai";
import { suggest } from "./suggest.ts";

const known = ["bundle", "console-socket", "pid-file", "no-pivot", "kill", "list"];

describe("suggest()", () => {
  const cases = [
    { word: "bundel", nearest: "bundle" },
    { word: "bundl", nearest: "bundle" },
    { word: "pidfile", nearest: "pid-file" },
    { word: "console", nearest: "console-socket" },
    { word: "no_pivot", nearest: "no-pivot" },
    { word: "kil", nearest: "kill" },
    { word: "lsit", nearest: "list" },
    { word: "unrelated", nearest: undefined },
    { word: "", nearest: undefined },
  ];
  for (const { word, nearest } of cases) {
    it(`${JSON.stringify(word)} → ${nearest}`, () => {
      expect(suggest(word, known)).to.equal(nearest);
    });
  }
});
