import { expect } from "chai";
import { filesV2 } from "../plan/cgroup/v2.ts";
import type { LinuxResources } from "../spec/resources.ts";
import { completeV2, updateFilesV1 } from "./update-files.ts";

function v1(resources: LinuxResources): readonly string[] {
  return updateFilesV1(resources).map(({ file, value }) => `${file}=${value}`);
}

function v2(resources: LinuxResources, cpuMax = "max 100000\n", memoryMax = "max\n"): readonly string[] {
  return filesV2(completeV2(resources, { cpuMax, memoryMax })).map(({ file, value }) => `${file}=${value}`);
}

describe("updateFilesV1()", () => {
  it("leaves what is 0 as it is", () => {
    const zeros = { memory: { limit: 0, reservation: 0, swap: 0 }, cpu: { shares: 0, quota: 0, cpus: "" } };
    expect(v1({ ...zeros, blockIO: { weight: 0 } })).to.deep.equal([]);
  });

  it("lifts the limit of memory and swap with that of memory", () => {
    expect(v1({ memory: { limit: -1 } })).to.deep.equal(["memory.limit_in_bytes=-1", "memory.memsw.limit_in_bytes=-1"]);
    expect(v1({ memory: { limit: -1, swap: 5 } })).to.include("memory.memsw.limit_in_bytes=5");
  });

  it("passes over moby's word for no swappiness", () => {
    expect(v1({ memory: { swappiness: 2 ** 64 } })).to.deep.equal([]);
    expect(v1({ memory: { swappiness: 0 } })).to.deep.equal(["memory.swappiness=0"]);
  });

  it("never touches device rules", () => {
    expect(v1({ devices: [{ allow: true }], pids: { limit: 0 } })).to.deep.equal(["pids.max=0"]);
  });

  it("refuses unified", () => {
    expect(() => v1({ unified: { "memory.high": "1" } })).to.throw("invalid configuration: linux.resources.unified");
  });
});

describe("completeV2()", () => {
  it("keeps the half of cpu.max that is not named", () => {
    expect(v2({ cpu: { quota: 500 } }, "max 20000\n")).to.deep.equal(["cpu.max=500 20000"]);
    expect(v2({ cpu: { period: 50_000 } }, "500 20000\n")).to.deep.equal(["cpu.max=500 50000"]);
    expect(v2({ cpu: { period: 50_000 } }, "max 20000\n")).to.deep.equal(["cpu.max=max 50000"]);
    expect(v2({ cpu: { quota: -1 } }, "500 20000\n")).to.deep.equal(["cpu.max=max 20000"]);
  });

  it("takes the swap out of memory and swap by the limit there is", () => {
    expect(v2({ memory: { swap: 1500 } }, undefined, "1000\n")).to.include("memory.swap.max=500");
    expect(v2({ memory: { swap: 1500, limit: 1200 } }, undefined, "1000\n")).to.include("memory.swap.max=300");
  });

  it("refuses memory and swap below the limit of memory", () => {
    expect(() => v2({ memory: { swap: 500 } }, undefined, "1000\n")).to.throw("memory+swap limit should be >= memory");
  });
});
