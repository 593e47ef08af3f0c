import { expect } from "chai";
import { describe, it } from "mocha";
import { parseVolume } from "./volume-flag.ts";

describe("parseVolume()", () => {
  const bind = (source: string, destination: string, ...options: readonly string[]) => {
    return { kind: "bind", mount: { destination, type: "bind", source, options: ["rbind", ...options] }, isMade: true };
  };
  const volume = (name: string | undefined, target: string, ...options: readonly string[]) => {
    return { kind: "volume", name, target, options: ["rbind", ...options], isFilled: true };
  };
  for (const [given, wanted] of [
    ["/src:/dst", bind("/src", "/dst", "rprivate")],
    ["./a/../b:/dst:ro,shared", bind("/home/b", "/dst", "ro", "shared")],
    [".:/dst/", bind("/home", "/dst", "rprivate")],
    ["a/b:/dst", bind("/home/a/b", "/dst", "rprivate")],
    ["/src:/dst:ro,Z", bind("/src", "/dst", "rprivate", "ro")],
    ["data:/b", volume("data", "/b", "rprivate")],
    ["data:/b:ro", volume("data", "/b", "rprivate", "ro")],
    ["data:/b:nocopy", { ...volume("data", "/b", "rprivate"), isFilled: false }],
    ["/b", volume(undefined, "/b", "rprivate")],
  ] as const) {
    it(`reads ${given}`, () => expect(parseVolume(given, "/home")).to.deep.equal(wanted));
  }
  for (const [given, why] of [
    ["", "its target must be absolute"],
    ["a", "its target must be absolute"],
    [":/b", "must be SOURCE:TARGET"],
    ["/a:b", "its target must be absolute"],
    ["/a:/b:zz", "option zz must be one of ro, rw"],
    ["/a:/b:ro:x", "must be SOURCE:TARGET"],
    ["data:/", "its target must not be the root"],
    ["data:/..", "its target must not be the root"],
  ] as const) {
    it(`refuses ${given}`, () => expect(() => parseVolume(given, "/")).to.throw(`--volume ${given}: ${why}`));
  }
});
