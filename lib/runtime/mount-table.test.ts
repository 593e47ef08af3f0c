import { expect } from "chai";
import { describe, it } from "mocha";
import { mountOf, readMounts } from "./mount-table.ts";

const TEXT = `22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/root rw
30 22 0:25 / /mnt/a\\040b ro,nosuid,nodev,noatime - tmpfs tmpfs rw
31 22 0:5 / /proc rw,relatime shared:2 master:1 - proc proc rw
32 22 0:26 / /mnt/a\\040b rw - tmpfs tmpfs rw
`;

describe("readMounts()", () => {
  it("reads points, types and flags, with any number of optional fields", () => {
    expect(readMounts(TEXT)).to.deep.equal([
      { point: "/", type: "ext4", flags: ["rw", "relatime"] },
      { point: "/mnt/a b", type: "tmpfs", flags: ["ro", "nosuid", "nodev", "noatime"] },
      { point: "/proc", type: "proc", flags: ["rw", "relatime"] },
      { point: "/mnt/a b", type: "tmpfs", flags: ["rw"] },
    ]);
  });
});

describe("mountOf()", () => {
  for (const [path, point, flags] of [
    ["/mnt/a b/c", "/mnt/a b", ["rw"]],
    ["/mnt/a bc", "/", ["rw", "relatime"]],
    ["/proc", "/proc", ["rw", "relatime"]],
    ["/", "/", ["rw", "relatime"]],
  ] as const) {
    it(`finds the mount of ${path}`, () => {
      const { point: found, flags: has } = mountOf(readMounts(TEXT), path) ?? {};
      expect([found, has]).to.deep.equal([point, flags]);
    });
  }
});
