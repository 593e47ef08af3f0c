import { expect } from "chai";
import { describe, it } from "mocha";
import type { Config } from "../../spec/config.ts";
import { type SpecExtras, withExtras } from "./extras.ts";

const NONE: SpecExtras = {
  ...{ init: undefined, shared: [], domainname: undefined, annotations: {}, additionalGids: [] },
  ...{ oomScoreAdj: undefined, swapBytes: undefined, reservationBytes: undefined, cpusetMems: undefined },
  ...{ blkioWeight: undefined, cgroupParent: undefined },
};
const SHM = { destination: "/dev/shm", type: "tmpfs", source: "shm", options: ["size=1m"] };
const CONFIG: Config = {
  ociVersion: "1.3.0",
  process: { cwd: "/", user: { uid: 5, gid: 5, additionalGids: [10] }, args: ["serve", "-v"] },
  root: { path: "rootfs" },
  hostname: "web",
  mounts: [SHM],
  linux: {
    cgroupsPath: "/default/web",
    namespaces: [{ type: "pid" }, { type: "ipc" }, { type: "uts" }, { type: "cgroup" }],
    resources: { memory: { limit: 64 }, cpu: { shares: 7 } },
  },
};
const change = (extras: Partial<SpecExtras>) => withExtras(CONFIG, { ...NONE, ...extras });

describe("withExtras()", () => {
  it("changes nothing when there are none", () => expect(change({})).to.deep.equal(CONFIG));

  it("puts an init of the host in front of the program", () => {
    const { process, mounts = [] } = change({ init: "/usr/bin/catatonit" });
    expect(process?.args).to.deep.equal(["/sbin/docker-init", "--", "serve", "-v"]);
    expect(mounts.at(-1)).to.deep.equal({
      ...{ destination: "/sbin/docker-init", type: "bind", source: "/usr/bin/catatonit" },
      options: ["rbind", "rprivate", "ro"],
    });
    const taken = { ...CONFIG, mounts: [{ ...SHM, destination: "/sbin/docker-init" }] };
    expect(() => withExtras(taken, { ...NONE, init: "/x" })).to.throw("something else is mounted");
  });

  it("shares namespaces of the host, with what goes with them", () => {
    const { linux, hostname, mounts } = change({ shared: ["ipc", "uts", "cgroup"] });
    expect(linux?.namespaces).to.deep.equal([{ type: "pid" }]);
    expect(hostname).to.equal(undefined);
    expect(mounts).to.deep.equal([
      { destination: "/dev/shm", type: "bind", source: "/dev/shm", options: ["rbind", "rprivate"] },
    ]);
    const bound = { ...SHM, type: "bind", source: "/mine" };
    expect(withExtras({ ...CONFIG, mounts: [bound] }, { ...NONE, shared: ["ipc"] }).mounts).to.deep.equal([bound]);
  });

  it("adds to the limits that there are", () => {
    const { linux } = change({ swapBytes: 128, reservationBytes: 32, cpusetMems: "0", blkioWeight: 100 });
    expect(linux?.resources).to.deep.equal({
      ...{ memory: { limit: 64, swap: 128, reservation: 32 }, cpu: { shares: 7, mems: "0" } },
      blockIO: { weight: 100 },
    });
  });

  it("adds groups, and says the rest", () => {
    const { process, domainname, annotations, linux } = change({
      ...{ additionalGids: [10, 77], oomScoreAdj: 5, domainname: "d", annotations: { a: "b" }, cgroupParent: "/x/y/" },
    });
    expect(process).to.deep.include({ oomScoreAdj: 5, user: { uid: 5, gid: 5, additionalGids: [10, 77] } });
    expect([domainname, annotations, linux?.cgroupsPath]).to.deep.equal(["d", { a: "b" }, "/x/y/web"]);
  });
});
