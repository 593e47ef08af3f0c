import { expect } from "chai";
import { describe, it } from "mocha";
import { parseDevice } from "./device-flag.ts";

describe("parseDevice()", () => {
  const good: readonly (readonly [given: string, source: string, target: string, access: string])[] = [
    ["/dev/fuse", "/dev/fuse", "/dev/fuse", "rwm"],
    ["/dev/fuse:r", "/dev/fuse", "/dev/fuse", "r"],
    ["/dev/sda:/dev/xvda", "/dev/sda", "/dev/xvda", "rwm"],
    ["/dev/sda:/dev/xvda:mw", "/dev/sda", "/dev/xvda", "mw"],
  ];
  for (const [given, source, target, access] of good) {
    it(`reads ${given}`, () => expect(parseDevice(given)).to.deep.equal({ source, target, access }));
  }
  for (const [given, why] of [
    ["fuse", "the path of the host must be absolute"],
    ["", "the path of the host must be absolute"],
    ["/dev/fuse:rx", '"rx" must be letters of rwm'],
    ["/dev/fuse:/dev/fuse:rr", '"rr" must be letters of rwm'],
    ["/dev/fuse:/dev/fuse:", '"" must be letters of rwm'],
    ["/dev/fuse:fuse:r", "the path in the container must be absolute"],
    ["/a:/b:r:x", "must be HOST[:CONTAINER[:rwm]]"],
    ["nvidia.com/gpu=all", "devices of CDI are not supported"],
  ] as const) {
    it(`refuses ${given}`, () => expect(() => parseDevice(given)).to.throw(why));
  }
});
