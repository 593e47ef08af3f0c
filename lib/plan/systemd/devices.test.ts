import { expect } from "chai";
import type { DeviceRule } from "../../spec/resources.ts";
import { deviceProperties } from "./devices.ts";

describe("deviceProperties()", () => {
  const c = (major: number, minor: number, access = "rwm"): DeviceRule => ({
    allow: true,
    type: "c",
    major,
    minor,
    access,
  });
  const ask = (rules: readonly DeviceRule[], mode: "v1" | "v2" = "v2") => {
    const [policy, reset, ...lists] = deviceProperties(rules, { mode, version: 255 });
    expect(reset).to.include({ name: "DeviceAllow" }).and.to.have.property("value").that.deep.equals([]);
    return [policy?.value, ...lists.map(({ value }) => value)];
  };

  it("names devices as systemd does", () => {
    const rules: readonly DeviceRule[] = [
      { allow: false },
      c(1, 3),
      c(-1, -1, "m"),
      { allow: true, type: "b", access: "m" },
      { allow: true, type: "b", major: 8, access: "r" },
    ];
    const list = [
      ["/dev/char/1:3", "rwm"],
      ["char-*", "m"],
      ["block-*", "m"],
      ["block-8", "r"],
    ];
    expect(ask(rules)).to.deep.equal(["strict", list]);
  });

  it("takes back what a later rule denies", () => {
    expect(ask([c(1, 3), { ...c(1, 3, "w"), allow: false }])).to.deep.equal(["strict", [["/dev/char/1:3", "rm"]]]);
    expect(ask([c(1, 3), { ...c(1, 3), allow: false }])).to.deep.equal(["strict"]);
  });

  it("forgets what stands before a rule for all", () => {
    expect(ask([{ allow: true }, c(1, 3), { allow: false }, c(1, 5)])).to.deep.equal([
      "strict",
      [["/dev/char/1:5", "rwm"]],
    ]);
  });

  it("has no list when everything is allowed", () => {
    expect(ask([{ allow: false }, { allow: true }, c(1, 3)])).to.deep.equal(["auto"]);
  });

  it("leaves all but something to the container's own filter on v2, and denies it on v1", () => {
    const rules: readonly DeviceRule[] = [{ allow: true }, { ...c(1, 3), allow: false }];
    expect(ask(rules)).to.deep.equal(["auto"]);
    expect(ask(rules, "v1")).to.deep.equal(["strict"]);
    expect(ask([{ allow: true }, { allow: false, access: "w" }])).to.deep.equal(["auto"]);
  });

  it("passes over one minor number of every major one", () => {
    expect(ask([c(-1, 3)])).to.deep.equal(["strict"]);
  });
});
