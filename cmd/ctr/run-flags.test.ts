import { expect } from "chai";
import { describe, it } from "mocha";
import { parseScanned } from "../parse-flags.ts";
import {
  containerFlags,
  parseEnvFile,
  parseLogOptions,
  parsePairs,
  parseTmpfs,
  parseUlimit,
  resolveEnv,
  restartLabels,
} from "./run-flags.ts";
import { scan } from "./scan.ts";

describe("options of run", () => {
  const read = (line: string) => parseScanned(containerFlags, scan(containerFlags, line.split(" "), true)).flags;

  it("take sizes and numbers", () => {
    expect(read("--cpus .5 x")).to.include({ cpus: 0.5 });
    expect(read("-m 64m --cpus 1.5 --pids-limit 10 x")).to.include({ memory: 67_108_864, cpus: 1.5, pidsLimit: 10 });
  });
  for (const [line, why] of [
    ["-m much x", "must be a size"],
    ["--cpus 0 x", "must be a number above 0"],
    ["--cpus -1 x", "must be a number above 0"],
    ["--pids-limit many x", "must be a whole number"],
    ["--stop-signal LOUD x", "must be the name or the number of a signal"],
  ] as const) {
    it(`refuse ${line}`, () => {
      expect(() => read(line))
        .to.throw()
        .with.property("cause")
        .with.property("message")
        .that.includes(why);
    });
  }

  it("take variables of the caller", () => {
    expect(resolveEnv(["A=1", "HOME", "GONE", "B="], { HOME: "/root" })).to.deep.equal(["A=1", "HOME=/root", "B="]);
    expect(() => resolveEnv(["=x"], {})).to.throw("must be NAME=value");
    expect(parseEnvFile("# a remark\nA=1\r\n\n  B=2 3\nC\n")).to.deep.equal(["A=1", "B=2 3", "C"]);
  });

  it("take pairs", () => {
    expect(parsePairs("label", ["a=b=c", "d", "e="])).to.deep.equal({ a: "b=c", d: "", e: "" });
    expect(() => parsePairs("label", ["=x"])).to.throw("--label =x: must be KEY=value");
  });

  it("take limits of resources", () => {
    expect(parseUlimit("nofile=10:20")).to.deep.equal({ type: "RLIMIT_NOFILE", soft: 10, hard: 20 });
    expect(parseUlimit("memlock=-1")).to.deep.equal({ type: "RLIMIT_MEMLOCK", soft: 2 ** 64, hard: 2 ** 64 });
    expect(() => parseUlimit("nofile")).to.throw("must be like nofile=1024:2048");
  });

  it("take tmpfs mounts", () => {
    expect(parseTmpfs("/run:size=1m,mode=700").options).to.deep.equal([
      "nosuid",
      "nodev",
      "noexec",
      "size=1m",
      "mode=700",
    ]);
    expect(() => parseTmpfs("run")).to.throw("its target must be absolute");
  });

  it("take limits of the log", () => {
    expect(parseLogOptions([])).to.deep.equal({ maxSize: undefined, maxFile: undefined });
    expect(parseLogOptions(["max-size=10m", "max-file=3"])).to.deep.equal({ maxSize: "10m", maxFile: 3 });
    for (const [given, why] of [
      ["max-size=much", "must be a size such as 10m"],
      ["max-file=3", "needs max-size"],
      ["compress=true", "--log-opt compress: must be max-size or max-file"],
    ] as const) {
      expect(() => parseLogOptions([given])).to.throw(why);
    }
    expect(() => parseLogOptions(["max-size=1m", "max-file=0"])).to.throw("must be 1 to 999");
  });

  it("take policies of restarting", () => {
    expect(restartLabels("no")).to.deep.equal({});
    expect(restartLabels("on-failure:3")).to.deep.equal({
      ...{ "containerd.io/restart.status": "running", "containerd.io/restart.policy": "on-failure:3" },
    });
    expect(() => restartLabels("sometimes")).to.throw("must be no, always");
  });
});
