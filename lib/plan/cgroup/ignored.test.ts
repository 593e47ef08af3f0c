import { expect } from "chai";
import { ignoredResources } from "./ignored.ts";

describe("ignoredResources()", () => {
  const RESOURCES = {
    memory: { kernel: 1, kernelTCP: 1, swappiness: 0, disableOOMKiller: true, limit: 5 },
    cpu: { realtimeRuntime: 1, realtimePeriod: 0 },
    blockIO: {
      leafWeight: 10,
      weight: 10,
      weightDevice: [
        { major: 8, minor: 0, weight: 10 },
        { major: 8, minor: 1, leafWeight: 10 },
      ],
    },
    network: {},
  };

  it("names what v2 has no file for", () => {
    expect(ignoredResources(RESOURCES, "v2")).to.deep.equal(
      [
        "memory.swappiness",
        "memory.disableOOMKiller",
        "cpu.realtimeRuntime",
        "blockIO.leafWeight",
        "blockIO.weightDevice[1].leafWeight",
        "network",
      ].map((property) => `linux.resources.${property} has no effect on cgroup v2`),
    );
  });

  it("is silent on v1, and of what every config is warned of", () => {
    expect(ignoredResources(RESOURCES, "v1")).to.deep.equal([]);
    expect(ignoredResources({ memory: { kernel: 1 } }, "v2")).to.deep.equal([]);
  });
});
