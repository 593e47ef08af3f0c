import { expect } from "chai";
import type { Config, Linux, Mount } from "../../spec/config.ts";
import { HYBRID, SMALL_V2 } from "../../testing/plan-host.ts";
import { cgroupOwner, compileDelegation } from "./delegate.ts";

const MOUNT: Mount = { destination: "/sys/fs/cgroup", type: "cgroup", source: "cgroup", options: ["rw", "nosuid"] };
const MAPPED: Linux = {
  namespaces: [{ type: "cgroup" }, { type: "user" }],
  uidMappings: [
    { containerID: 0, hostID: 100_000, size: 1000 },
    { containerID: 1000, hostID: 5, size: 1 },
  ],
};

function config(linux: Linux, uid = 0, mounts: readonly Mount[] = [MOUNT]): Config {
  return { ociVersion: "1.0.0", root: { path: "rootfs" }, process: { cwd: "/", user: { uid } }, mounts, linux };
}

describe("cgroupOwner()", () => {
  it("is the host's id of the process's user", () => {
    expect(cgroupOwner(config(MAPPED))).to.equal(100_000);
    expect(cgroupOwner(config(MAPPED, 7))).to.equal(100_007);
    expect(cgroupOwner(config(MAPPED, 1000))).to.equal(5);
    expect(cgroupOwner(config({ namespaces: [{ type: "cgroup" }] }, 7))).to.equal(7);
  });

  const others: readonly (readonly [why: string, config: Config])[] = [
    ["an id without a mapping", config(MAPPED, 1001)],
    ["the host's root", config({ namespaces: [{ type: "cgroup" }] })],
    ["a cgroup namespace that is shared", config({ ...MAPPED, namespaces: [{ type: "user" }] })],
    ["one that is joined", config({ ...MAPPED, namespaces: [{ type: "user" }, { type: "cgroup", path: "/x" }] })],
    ["a mount that is read-only", config(MAPPED, 0, [{ ...MOUNT, options: ["ro"] }])],
    ["one that is so with all below it", config(MAPPED, 0, [{ ...MOUNT, options: ["rro"] }])],
    ["another place", config(MAPPED, 0, [{ ...MOUNT, destination: "/cgroup" }])],
    ["another filesystem", config(MAPPED, 0, [{ ...MOUNT, type: "tmpfs" }])],
    ["no mount", config(MAPPED, 0, [])],
  ];
  for (const [why, given] of others) {
    it(`gives it to nobody: ${why}`, () => {
      expect(cgroupOwner(given)).to.equal(undefined);
    });
  }
});

describe("compileDelegation()", () => {
  const given = (cgroups: typeof SMALL_V2.cgroups) =>
    compileDelegation(config(MAPPED), { ...SMALL_V2, cgroups }).map(({ args, tolerated }) => [
      args[1],
      args[2],
      tolerated ?? [],
    ]);

  it("gives the directory and the files that the kernel names, where they are", () => {
    const { cgroups } = SMALL_V2;
    expect(
      given({ ...cgroups, mode: "v2", delegated: ["cgroup.procs", "memory.oom.group"] } as typeof cgroups),
    ).to.deep.equal([
      ["/sys/fs/cgroup/web", 100_000, []],
      ["/sys/fs/cgroup/web/cgroup.procs", 100_000, ["ENOENT"]],
      ["/sys/fs/cgroup/web/memory.oom.group", 100_000, ["ENOENT"]],
    ]);
  });

  it("knows what an older kernel does not name", () => {
    expect(given(SMALL_V2.cgroups).map(([path]) => path)).to.deep.equal([
      "/sys/fs/cgroup/web",
      "/sys/fs/cgroup/web/cgroup.procs",
      "/sys/fs/cgroup/web/cgroup.subtree_control",
      "/sys/fs/cgroup/web/cgroup.threads",
    ]);
  });

  it("gives nothing of v1 away", () => {
    expect(compileDelegation(config(MAPPED), HYBRID)).to.deep.equal([]);
  });
});
