import { expect } from "chai";
import { describe, it } from "mocha";
import { exactIntegers } from "./exact-integers.ts";
import { parseConfig } from "./parse-config.ts";
import { configWith } from "./test-config.ts";

describe("exactIntegers()", () => {
  it("finds what a double does not hold", () => {
    const text =
      '{"a": [1, 18446744073709551516], "b/c": -9223372036854775807, "d": 9007199254740991, "e": 1e300, "f": "1"}';
    expect([...exactIntegers(text)]).to.deep.equal([
      ["/a/1", 18446744073709551516n],
      ["/b~1c", -9223372036854775807n],
    ]);
  });
});

describe("parseConfig().exact", () => {
  function parseWithArg(value: string): ReadonlyMap<string, bigint> {
    const args = [{ index: 0, value: 0, op: "SCMP_CMP_EQ" }];
    const linux = {
      seccomp: { defaultAction: "SCMP_ACT_ALLOW", syscalls: [{ names: ["a"], action: "SCMP_ACT_KILL", args }] },
    };
    return parseConfig(JSON.stringify(configWith({ linux })).replace('"value":0', `"value":${value}`)).exact;
  }
  it("has the seccomp values that were rounded: (u64)AT_FDCWD is not 2^64-1", () => {
    expect([...parseWithArg("18446744073709551516")]).to.deep.equal([
      ["/linux/seccomp/syscalls/0/args/0/value", 18446744073709551516n],
    ]);
  });
  it("is empty when none was", () => {
    expect(parseWithArg("4294967295").size).to.equal(0);
  });
});
