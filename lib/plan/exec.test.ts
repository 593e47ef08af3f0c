import { expect } from "chai";
import type { NamespaceType } from "../spec/config.ts";
import { HYBRID, SMALL_V2 } from "../testing/plan-host.ts";
import { compileExec } from "./exec.ts";
import type { Host } from "./host.ts";

const PROCESS = { cwd: "/", args: ["/bin/true"] };

function exec(host: Host, namespaces: readonly NamespaceType[], isAttached = false) {
  const target = {
    id: "web",
    namespaces,
    rootfs: "/r",
    linux: {},
    filter: undefined,
    annotations: undefined,
    resctrl: [],
    preserveFds: 0,
    isAttached,
  };
  return compileExec(PROCESS, { ...target, cgroups: host.cgroups }, host);
}

describe("compileExec()", () => {
  const births = (steps: ReturnType<typeof exec>) =>
    steps.map(({ call }) => call).filter((call) => call === "clone" || call === "clone3");
  const moves = (steps: ReturnType<typeof exec>) =>
    steps.filter(({ args }) => String(args[0]).endsWith("/cgroup.procs")).map(({ args }) => args.slice(0, 2));

  it("is born in the container's v2 cgroup", () => {
    const steps = exec(SMALL_V2, ["pid", "mount"]);
    expect(births(steps)).to.deep.equal(["clone3"]);
    expect(moves(steps)).to.deep.equal([]);
  });

  it("goes there before it joins a user namespace, whose root may own it", () => {
    const steps = exec(SMALL_V2, ["pid", "user", "mount"]);
    expect(births(steps)).to.deep.equal(["clone"]);
    expect(moves(steps)).to.deep.equal([["/sys/fs/cgroup/web/cgroup.procs", "0"]]);
    const calls = steps.map(({ call }) => call);
    expect(calls.indexOf("writeFile")).to.be.lessThan(calls.indexOf("setns"));
  });

  it("waits for systemd where the runtime may not move it", () => {
    const calls = exec(SMALL_V2, ["pid", "user", "mount"], true).map(({ call }) => call);
    expect(calls.indexOf("read")).to.be.greaterThan(0).and.to.be.lessThan(calls.indexOf("writeFile"));
    expect(exec(SMALL_V2, ["pid"]).map(({ call }) => call)).not.to.include("read");
  });

  it("is born in the v2 hierarchy of a hybrid host, and joins the others", () => {
    const steps = exec(HYBRID, ["pid", "user", "mount"]);
    expect(births(steps)).to.deep.equal(["clone3"]);
    expect(moves(steps)).to.deep.equal([]);
  });

  it("joins the cgroup namespace when it is born", () => {
    const calls = exec(SMALL_V2, ["cgroup", "mount"]).map(({ call }) => call);
    expect(calls.lastIndexOf("setns")).to.be.greaterThan(calls.indexOf("clone3"));
  });
});
