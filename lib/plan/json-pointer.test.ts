import { expect } from "chai";
import { describe, it } from "mocha";
import { pointerTo, propertyPath } from "../json-pointer.ts";

describe("pointerTo()", () => {
  for (const [parent, token, pointer] of [
    ["", "mounts", "/mounts"],
    ["/mounts", 3, "/mounts/3"],
    ["/linux/sysctl", "net/ipv4~x", "/linux/sysctl/net~1ipv4~0x"],
    ["/a", "~1", "/a/~01"],
    ["/a", "", "/a/"],
  ] as const) {
    it(`${JSON.stringify(token)} below ${JSON.stringify(parent)}`, () => {
      expect(pointerTo(parent, token)).to.equal(pointer);
    });
  }
});

describe("propertyPath()", () => {
  for (const [pointer, path] of [
    ["", ""],
    ["/hostname", "hostname"],
    ["/mounts/3/options", "mounts[3].options"],
    ["/mounts/3/options/0", "mounts[3].options[0]"],
    ["/process/capabilities/bounding", "process.capabilities.bounding"],
    ["/linux/sysctl/net.ipv4.ip_forward", 'linux.sysctl["net.ipv4.ip_forward"]'],
    ["/linux/sysctl/net~1ipv4~1ip_forward", 'linux.sysctl["net/ipv4/ip_forward"]'],
    ["/annotations/a~0b", 'annotations["a~b"]'],
    ["/annotations/~01", 'annotations["~1"]'],
    ['/annotations/say "hi"', 'annotations["say \\"hi\\""]'],
    ["/annotations/", 'annotations[""]'],
    ["/linux/rdma/mlx5_1", "linux.rdma.mlx5_1"],
    ["/$ref", "$ref"],
  ] as const) {
    it(`${JSON.stringify(pointer)} is ${path}`, () => expect(propertyPath(pointer)).to.equal(path));
  }

  it("reads what pointerTo() wrote", () => {
    const tokens = ["a/b", "~", "~1", "", "x.y", "é"];
    const paths = tokens.map((token) => propertyPath(pointerTo("/annotations", token)));
    expect(paths).to.deep.equal(tokens.map((token) => `annotations[${JSON.stringify(token)}]`));
  });
});
