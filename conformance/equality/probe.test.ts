import { expect } from "chai";
import { normaliseProbe, parseProbe } from "./probe.ts";

describe("parseProbe()", () => {
  it("sorts lines into sections, with or without carriage returns", () => {
    const sections = parseProbe("noise\r\n@uts\r\nhostname x\r\n@device access\r\nread: 1\r\n@end\r\n");
    expect([...sections]).to.deep.equal([
      ["before", ["noise"]],
      ["uts", ["hostname x"]],
      ["device access", ["read: 1"]],
      ["end", []],
    ]);
  });
});

describe("normaliseProbe()", () => {
  it("splits mounts from their order and replaces names", () => {
    const sections = new Map([["mountinfo", ["9 1 0:5 / /tmp/b/x rw - tmpfs t rw"]]]);
    const result = normaliseProbe(sections, [["/tmp/b", "<BUNDLE>"]], new Map());
    expect([...result.keys()]).to.deep.equal(["mountinfo", "mount order"]);
    expect(result.get("mount order")).to.deep.equal(["<BUNDLE>/x"]);
  });
});
