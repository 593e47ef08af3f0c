import { expect } from "chai";
import { describe, it } from "mocha";
import { locateSyntaxError } from "./json-syntax.ts";

const cases = [
  { text: "", at: [1, 1], expected: "a value, found the end of the text" },
  { text: "{", at: [1, 2], expected: "a property name in double quotes, found the end of the text" },
  { text: '{"a" 1}', at: [1, 6], expected: '":", found "1"' },
  { text: '{"a": 1\n "b": 2}', at: [2, 2], expected: '"," or "}", found "\\""' },
  { text: '{"a": 1,}', at: [1, 9], expected: 'a property name in double quotes, found "}"' },
  { text: "[1, 2,\n\t]", at: [2, 2], expected: 'a value, found "]"' },
  { text: "[1 2]", at: [1, 4], expected: '"," or "]", found "2"' },
  { text: "[01]", at: [1, 3], expected: '"," or "]", found "1"' },
  { text: "[.5]", at: [1, 2], expected: 'a value, found "."' },
  { text: "{'a': 1}", at: [1, 2], expected: 'a property name in double quotes, found "\'"' },
  { text: "// x\n{}", at: [1, 1], expected: 'a value, found "/"' },
  { text: '["a\nb"]', at: [1, 4], expected: 'the closing quote of a string, found "\\n"' },
  { text: '["a\\x"]', at: [1, 4], expected: 'a valid escape, found "\\\\"' },
  { text: '["abc', at: [1, 6], expected: "the closing quote of a string, found the end of the text" },
  { text: '{"a": {"b": [true, nul]}}', at: [1, 20], expected: 'a value, found "n"' },
  { text: "{} {}", at: [1, 4], expected: 'the end of the text, found "{"' },
  { text: '{"é\\u00e9": "\u2028"} x', at: [1, 18], expected: 'the end of the text, found "x"' },
];

describe("locateSyntaxError()", () => {
  for (const { text, at, expected } of cases) {
    it(`finds the fault of ${JSON.stringify(text)}`, () => {
      expect(() => JSON.parse(text)).to.throw(SyntaxError);
      const { line, column, problem } = locateSyntaxError(text);
      expect([line, column, problem]).to.deep.equal([...at, `expected ${expected}`]);
    });
  }
});
