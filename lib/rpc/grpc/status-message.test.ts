import { expect } from "chai";
import { decodeMessage, encodeMessage } from "./status-message.ts";

describe("encodeMessage()", () => {
  for (const [text, encoded] of [
    ["plain ~ text", "plain ~ text"],
    ["100 %", "100 %25"],
    ["two\nlines\t–", "two%0Alines%09%E2%80%93"],
  ] as const) {
    it(`writes ${JSON.stringify(text)}, and decodeMessage() reads it`, () => {
      expect(encodeMessage(text)).to.equal(encoded);
      expect(decodeMessage(encoded)).to.equal(text);
    });
  }
});
