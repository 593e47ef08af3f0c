import { expect } from "chai";
import { parseFlags } from "../parse-flags.ts";
import { resourceFlags, resourcesOf } from "./resource-flags.ts";

function resources(...words: readonly string[]): unknown {
  return resourcesOf(parseFlags(resourceFlags, words).flags);
}

describe("resourcesOf()", () => {
  it("asks for nothing when nothing was given, or an empty text", () => {
    const nothing = { memory: {}, cpu: {}, pids: {}, blockIO: {} };
    expect(resources()).to.deep.equal(nothing);
    expect(resources("--memory=", "--cpu-share", "", "--kernel-memory", "4m")).to.deep.equal(nothing);
  });

  it("puts each option where config.json has it", () => {
    const cpu = ["--cpu-share", "1", "--cpu-quota=-1", "--cpu-burst", "2", "--cpu-period", "3"];
    const more = ["--cpu-rt-runtime", "4", "--cpu-rt-period", "5", "--cpuset-cpus", "0-1", "--cpuset-mems", "0"];
    const memory = ["--memory", "64m", "--memory-reservation", "1k", "--memory-swap", "-1"];
    expect(
      resources(...cpu, ...more, "--cpu-idle", "0", ...memory, "--pids-limit", "0", "--blkio-weight", "10"),
    ).to.deep.equal({
      cpu: {
        shares: 1,
        quota: -1,
        burst: 2,
        period: 3,
        realtimeRuntime: 4,
        realtimePeriod: 5,
        cpus: "0-1",
        mems: "0",
        idle: 0,
      },
      memory: { limit: 67_108_864, reservation: 1024, swap: -1 },
      pids: { limit: 0 },
      blockIO: { weight: 10 },
    });
  });

  for (const words of [
    ["--cpu-share", "abc"],
    ["--pids-limit", "1.5"],
    ["--memory", "64x"],
    ["--cpu-period", "1e3"],
  ]) {
    it(`refuses ${words.join(" ")}`, () => {
      expect(() => resources(...words)).to.throw(/^invalid value "[^"]+" for flag -/);
    });
  }
});
