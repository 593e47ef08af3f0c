import { expect } from "chai";
import type { BusValue } from "../../linux/constants/dbus.ts";
import { parseVariant } from "./gvariant.ts";

describe("parseVariant()", () => {
  const cases: readonly (readonly [text: string, signature: string, value: BusValue])[] = [
    ["5", "i", 5n],
    [" -5 ", "i", -5n],
    ["0x10", "i", 16n],
    ["5000000000", "x", 5_000_000_000n],
    ["uint64 123456789", "t", 123_456_789n],
    ["@t 7", "t", 7n],
    ["byte 255", "y", 255n],
    ["1.5", "d", 1.5],
    ["double 3", "d", 3],
    ["true", "b", true],
    ["'kill'", "s", "kill"],
    [`"it's"`, "s", "it's"],
    [String.raw`'a\'b\n\u00e9\\'`, "s", "a'b\né\\"],
    ["objectpath '/a'", "o", "/a"],
    ["['a.service', 'b.service']", "as", ["a.service", "b.service"]],
    ["[uint64 1, 2]", "at", [1n, 2n]],
    ["@as []", "as", []],
    ["@au [1,2]", "au", [1n, 2n]],
    ["[('/dev/sda', uint64 5)]", "a(st)", [["/dev/sda", 5n]]],
    ["(1, 'a')", "(is)", [1n, "a"]],
    ["<5>", "v", { signature: "i", value: 5n }],
  ];
  for (const [text, signature, value] of cases) {
    it(text, () => {
      expect(parseVariant(text)).to.deep.equal({ signature, value });
    });
  }

  const wrong: readonly (readonly [text: string, why: string])[] = [
    ["", "a value is expected"],
    ["[]", "an empty list needs its type"],
    ["'a", "a string without its end"],
    ["kill", 'no type is called "kill"'],
    ["constructor 1", 'no type is called "constructor"'],
    ["5 6", "something follows the value"],
    ["uint64 -1", "-1 is out of the range"],
    ["byte 256", "256 is out of the range"],
    ["9223372036854775808", "out of the range"],
    ["uint32 'a'", "a string is no value"],
    ["uint32 1.5", "1.5 is no whole number"],
    ["[1, 'a']", "a string is no value"],
    ["[1 2]", '"," is expected'],
    ["(", "a value is expected"],
    ["()", "an empty tuple"],
    [String.raw`'\u0000'`, "a string with NUL"],
    ["@as [1]", "a number is no value"],
    ["@t uint32 1", '"u" stands where "t" is wanted'],
    ["[".repeat(100), "too many levels"],
  ];
  for (const [text, why] of wrong) {
    it(`refuses ${JSON.stringify(text).slice(0, 40)}`, () => {
      expect(() => parseVariant(text)).to.throw(RangeError, why);
    });
  }
});
