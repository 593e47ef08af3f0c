import { expect } from "chai";
import { FakeKernel, type FakeWorld } from "../testing/fake-kernel.ts";
import { examine, type Finding } from "./doctor.ts";

const V2 = 0x63677270;

/** A machine with cgroup v2 and little else. */
const BARE: FakeWorld = {
  files: {
    "/proc/sys/kernel/osrelease": "6.1.0\n",
    "/proc/self/cgroup": "0::/\n",
    "/sys/fs/cgroup/cgroup.controllers": "cpu pids\n",
    "/etc/passwd": "ann:x:1000:1000::/home/ann:/bin/sh\n",
  },
  filesystems: { "/sys/fs/cgroup": V2 },
};

async function findings(world: FakeWorld, uid = 1000): Promise<ReadonlyMap<string, Finding>> {
  const found = await examine({ kernel: new FakeKernel(world), uid, env: { PATH: "/nowhere" } });
  return new Map(found.map((finding) => [finding.area, finding]));
}

describe("examine()", () => {
  it("has a remedy for everything that is not well", async () => {
    const found = [...(await findings(BARE)).values()];
    expect(found.filter(({ verdict, remedy }) => (verdict === "ok") !== (remedy === undefined))).to.deep.equal([]);
    expect(found.map(({ area }) => area)).to.have.lengthOf(new Set(found.map(({ area }) => area)).size);
  });

  it("fails where the kernel lacks a call that every container needs", async () => {
    const kernel = (await findings(BARE)).get("kernel");
    expect(kernel).to.include({ verdict: "failed" });
    expect(kernel?.detail).to.include("mountSetattr");
  });

  it("fails where the cgroup is not to be written to, and names the delegation", async () => {
    const found = await findings(BARE);
    expect(found.get("cgroups")?.verdict).to.equal("failed");
    expect(found.get("cgroups")?.remedy).to.include("Delegate=");
    expect(found.get("cgroup controllers")).to.include({
      verdict: "limited",
      detail: "cpuset, io, memory cannot be used here; there are cpu, pids",
    });
  });

  it("survives a machine without cgroups", async () => {
    const cgroups = (await findings({})).get("cgroups");
    expect(cgroups?.verdict).to.equal("failed");
  });

  it("knows what forbids user namespaces to a user, and not to root", async () => {
    const world: FakeWorld = {
      ...BARE,
      files: { ...BARE.files, "/proc/sys/kernel/apparmor_restrict_unprivileged_userns": "1\n" },
    };
    expect((await findings(world)).get("user namespaces")?.detail).to.equal("only root may make one");
    expect((await findings(world, 0)).get("user namespaces")?.verdict).to.equal("ok");
  });

  it("names the missing helpers, and where a range has to be given", async () => {
    expect((await findings(BARE)).get("subordinate ids")).to.include({
      detail: "not installed: newuidmap, newgidmap",
      remedy: "install uidmap",
    });
  });

  it("says what there is", async () => {
    const world: FakeWorld = {
      ...BARE,
      files: {
        ...BARE.files,
        "/proc/sys/kernel/seccomp/actions_avail": "kill_process errno allow\n",
        "/sys/kernel/security/lsm": "capability,apparmor\n",
        "/sys/module/apparmor/parameters/enabled": "Y\n",
      },
    };
    const found = await findings(world);
    expect(found.get("seccomp")).to.deep.equal({
      area: "seccomp",
      verdict: "ok",
      detail: "kill_process errno allow",
    });
    expect(found.get("security modules")?.detail).to.equal("AppArmor (capability,apparmor)");
  });
});
