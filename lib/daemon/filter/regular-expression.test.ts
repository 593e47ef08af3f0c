import { expect } from "chai";
import fc from "fast-check";
import { compileRegularExpression } from "./regular-expression.ts";

const matches = (source: string, text: string) => compileRegularExpression(source).test(text);

describe("compileRegularExpression()", () => {
  const cases: readonly (readonly [source: string, yes: readonly string[], no: readonly string[]])[] = [
    ["", ["", "a"], []],
    ["abc", ["abc", "xabcx"], ["ab", "ABC", ""]],
    ["^abc$", ["abc"], ["abcd", "xabc", "abc\n"]],
    ["a|b|^$", ["a", "xb", ""], ["c"]],
    ["(ab|c)+d", ["abd", "cabd"], ["ad", "bd"]],
    ["a*b+c?", ["b", "aabbc"], ["a", "c"]],
    ["a*?b+?c??$", ["b", "abc"], ["a"]],
    ["^a{2}$", ["aa"], ["a", "aaa"]],
    ["^a{2,}$", ["aa", "aaaa"], ["a"]],
    ["^a{1,3}$", ["a", "aaa"], ["", "aaaa"]],
    ["^a{0}b$", ["b"], ["ab"]],
    ["a{,2}", ["a{,2}"], ["aa"]],
    ["a{x}", ["a{x}"], ["a"]],
    ["^.$", ["a", "€", "𝄞"], ["", "\n", "ab"]],
    ["(?s)^.$", ["\n"], [""]],
    ["(?i)aBc", ["AbC"], ["ab"]],
    ["(?i:a)b", ["Ab"], ["AB"]],
    ["(?i)a(?-i)b", ["Ab"], ["AB"]],
    ["((?i)a)b", ["Ab"], ["AB"]],
    ["(?m)^a$", ["b\na\nc"], ["ab"]],
    ["\\Aa\\z", ["a"], ["a\n"]],
    ["\\bcat\\b", ["a cat"], ["cats"]],
    ["\\Bcat", ["scat"], ["cat"]],
    ["[abc]", ["b"], ["d"]],
    ["^[^abc]$", ["d", "\n"], ["a"]],
    ["^[a-c-]$", ["a", "-"], ["d"]],
    ["^[]a]$", ["]", "a"], ["b"]],
    ["^[^]a]$", ["b"], ["]"]],
    ["^[\\]\\d\\-]$", ["]", "5", "-"], ["a"]],
    ["^[[:alpha:][:digit:]]+$", ["a1Z"], ["_"]],
    ["^[[:^alpha:]]$", ["1"], ["a"]],
    ["^\\d\\D\\s\\S\\w\\W$", ["1a b_-"], ["aa b_-"]],
    ["^\\pL\\p{Greek}\\PL\\P{^Lu}$", ["aα1A"], ["1α1A", "aa1A"]],
    ["\\x41\\x{42}\\103\\t", ["ABC\t"], ["ABC"]],
    ["\\Qa.b*\\E+", ["a.b*"], ["axb"]],
    ["\\.\\*\\/", [".*/"], ["a"]],
    ["(?P<name>a)(?<other>b)(?:c)", ["abc"], ["ab"]],
    ["^(a|ab)(c|bcd)$", ["abcd", "ac"], ["ab"]],
    ["^sha256:[a-f0-9]{64}$", [`sha256:${"0".repeat(64)}`], [`sha256:${"0".repeat(63)}`]],
  ];
  for (const [source, yes, no] of cases) {
    it(`understands ${source}`, () => {
      for (const text of yes) expect(matches(source, text), text).to.equal(true);
      for (const text of no) expect(matches(source, text), text).to.equal(false);
    });
  }

  for (const source of [
    ...["(", ")", "a)", "[", "[a", "[b-a]", "*", "+a", "a**", "a{2}{3}", "a{1001}", "a{3,2}", "(?=a)", "(?<!a)b"],
    ...["\\1", "(a)\\1", "\\", "\\y", "\\Z", "\\p{Nonsense}", "\\x{110000}", "[[:nonsense:]]", "(?x)a", "(?P<a"],
    "((a{100}){100}){100}",
  ]) {
    it(`refuses ${source}`, () => {
      expect(() => compileRegularExpression(source))
        .to.throw(/^invalid regular expression /)
        .with.property("code", "invalid_argument");
    });
  }

  it("takes a time that its length and that of the text bound", () => {
    // Each of these takes a backtracking matcher longer than the world is old.
    const text = `${"a".repeat(4096)}!`;
    for (const source of [
      "^(a+)+$",
      "^(a|a)*$",
      "^(a*)*b$",
      "^(a|aa)+$",
      "(.*a){20}b",
      "^(([a-z])+.)+[A-Z]([a-z])+$",
    ]) {
      expect(matches(source, text), source).to.equal(false);
    }
  });

  it("says what JavaScript's says of what both understand", () => {
    const atom = fc.constantFrom("a", "b", "[ab]", "[^a]", ".", "(a|b)", "(ab|c)", "\\w", "\\b", "^", "$");
    const piece = fc.tuple(atom, fc.constantFrom("", "", "*", "+", "?", "{2}", "{1,2}"));
    // JavaScript repeats no assertion.
    const part = piece.map(([item, count]) => (/^(\\b|\^|\$)$/.test(item) ? item : item + count));
    const source = fc.array(part, { minLength: 1, maxLength: 6 }).map((parts) => parts.join(""));
    const text = fc
      .array(fc.constantFrom("a", "b", "c", " ", "é"), { maxLength: 8 })
      .map((letters) => letters.join(""));
    fc.assert(
      fc.property(source, text, (expression, given) => {
        expect(matches(expression, given)).to.equal(new RegExp(expression, "u").test(given));
      }),
      { numRuns: 3000 },
    );
  });

  it("refuses or understands whatever it is given", () => {
    fc.assert(
      fc.property(
        fc.string({ unit: fc.constantFrom(..."ab()[]{}|*+?^$\\.-,:<>PQEix0129 ") }),
        fc.string(),
        (source, text) => {
          let refusal: unknown;
          try {
            matches(source, text);
          } catch (error) {
            refusal = error;
          }
          expect(refusal === undefined || String(refusal).includes("invalid regular expression")).to.equal(true);
        },
      ),
      { numRuns: 5000 },
    );
  });
});
