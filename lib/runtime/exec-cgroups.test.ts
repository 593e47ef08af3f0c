import { expect } from "chai";
import { FILESYSTEM_MAGIC } from "../linux/constants/files.ts";
import { FakeKernel } from "../testing/fake-kernel.ts";
import type { CgroupRecord } from "./container-store.ts";
import { execCgroups } from "./exec-cgroups.ts";

const ROOT = "/sys/fs/cgroup";
const INIT = 9;

describe("execCgroups() on v2", () => {
  const record: CgroupRecord = { mode: "v2", directories: [`${ROOT}/web`] };
  const joined = (below: readonly string[], controls: Readonly<Record<string, string>> = {}) => {
    const files = {
      "/proc/9/cgroup": "0::/web/init\n",
      ...Object.fromEntries(Object.entries(controls).map(([path, text]) => [`${path}/cgroup.subtree_control`, text])),
    };
    const directories = { [`${ROOT}/web`]: ["sub"], [`${ROOT}/web/sub`]: [] };
    const cgroups = execCgroups(new FakeKernel({ files, directories }), record, INIT, below);
    return cgroups.mode === "v2" ? cgroups.directory : undefined;
  };

  it("is the container's, or where init is when that takes no processes", () => {
    expect(joined([])).to.equal(`${ROOT}/web`);
    expect(joined([], { [`${ROOT}/web`]: "\n" })).to.equal(`${ROOT}/web`);
    expect(joined([], { [`${ROOT}/web`]: "memory\n" })).to.equal(`${ROOT}/web/init`);
  });

  it("is the one below that is named", () => {
    expect(joined(["sub"])).to.equal(`${ROOT}/web/sub`);
    expect(joined(["//sub/./"])).to.equal(`${ROOT}/web/sub`);
    expect(joined(["/"], { [`${ROOT}/web`]: "cpu pids" })).to.equal(`${ROOT}/web`);
  });

  const wrong: readonly (readonly [below: readonly string[], why: string])[] = [
    [[".."], "cannot exec: .. is not a sub cgroup path"],
    [["sub/../../x"], "is not a sub cgroup path"],
    [["nope"], "adding pid of the process to cgroups: /sys/fs/cgroup/web/nope/cgroup.procs: no such file or directory"],
    [["/"], "adding pid of the process to cgroups: /sys/fs/cgroup/web/cgroup.procs: device or resource busy"],
    [["cpu:sub"], "unknown controller cpu"],
    [["a:b:c"], "invalid --cgroup argument: a:b:c"],
    [["a", "b"], "invalid --cgroup argument: a (missing <controller>: prefix)"],
  ];
  for (const [below, why] of wrong) {
    it(`refuses ${JSON.stringify(below)}`, () => {
      expect(() => joined(below, { [`${ROOT}/web`]: "cpu memory" })).to.throw(why);
    });
  }
});

describe("execCgroups() on v1", () => {
  const directories = [`${ROOT}/cpu,cpuacct/web`, `${ROOT}/memory/web`];
  const unified = `${ROOT}/unified/web`;
  const record: CgroupRecord = { mode: "v1", directories: [...directories, unified], unified };
  const joined = (below: readonly string[]) => {
    const files = { "/proc/self/cgroup": "2:memory:/\n1:cpu,cpuacct:/\n0::/\n" };
    const own = [...directories, unified];
    const existing = [...own, ...own.map((directory) => `${directory}/sub`)].map((directory) => [directory, []]);
    const world = {
      files,
      directories: { [ROOT]: ["cpu,cpuacct", "memory", "unified"], ...Object.fromEntries(existing) },
      filesystems: { [ROOT]: 0x0102_1994, [`${ROOT}/unified`]: FILESYSTEM_MAGIC.CGROUP2_SUPER_MAGIC },
    };
    const cgroups = execCgroups(new FakeKernel(world), record, INIT, below);
    if (cgroups.mode === "v2") throw new Error("not v1");
    return [...cgroups.hierarchies.map(({ directory }) => directory), cgroups.unified?.directory].map((path) =>
      path?.slice(ROOT.length),
    );
  };

  it("is the container's of each hierarchy", () => {
    expect(joined([])).to.deep.equal(["/cpu,cpuacct/web", "/memory/web", "/unified/web"]);
    expect(joined(["/"])).to.deep.equal(["/cpu,cpuacct/web", "/memory/web", "/unified/web"]);
  });

  it("is below each, or below that of a controller", () => {
    expect(joined(["sub"])).to.deep.equal(["/cpu,cpuacct/web/sub", "/memory/web/sub", "/unified/web/sub"]);
    expect(joined(["memory:sub"])).to.deep.equal(["/cpu,cpuacct/web", "/memory/web/sub", "/unified/web"]);
    expect(joined(["cpu,cpuacct:sub", "memory:/sub"])).to.deep.equal([
      "/cpu,cpuacct/web/sub",
      "/memory/web/sub",
      "/unified/web",
    ]);
  });

  it("refuses what is not there, or not known", () => {
    expect(() => joined(["nope"])).to.throw("/nope/cgroup.procs: no such file or directory");
    expect(() => joined(["cpu:nope"])).to.throw("/cpu,cpuacct/web/nope/cgroup.procs: no such file or directory");
    expect(() => joined(["whaaat:/"])).to.throw("unknown controller whaaat");
    expect(() => joined(["memory:.."])).to.throw(".. is not a sub cgroup path");
  });
});
