import { expect } from "chai";
import type { LinuxNamespace } from "../spec/config.ts";
import { ORDINARY_USER, SMALL_V2 } from "../testing/plan-host.ts";
import type { Host } from "./host.ts";
import { compileJoins, compileLateJoin } from "./namespaces.ts";

describe("compileJoins()", () => {
  const NAMESPACES = (["mount", "user", "pid", "network"] as const).map((type) => ({ type, path: `/ns/${type}` }));
  const order = (host: Host) =>
    compileJoins(NAMESPACES, host)
      .filter(({ call }) => call === "setns")
      .map(({ purpose }) => purpose.path);

  it("joins the user namespace late, where the host's privilege ends, and the mount namespace last", () => {
    expect(order(SMALL_V2)).to.deep.equal(["/ns/network", "/ns/pid", "/ns/user", "/ns/mount"]);
  });

  it("joins it first for an ordinary user, whose privilege begins there", () => {
    expect(order(ORDINARY_USER)).to.deep.equal(["/ns/user", "/ns/network", "/ns/pid", "/ns/mount"]);
  });
});

describe("compileLateJoin()", () => {
  const JOINED: LinuxNamespace = { type: "cgroup", path: "/proc/9/ns/cgroup" };
  const entered = (steps: ReturnType<typeof compileJoins>) =>
    steps.filter(({ call }) => call === "setns").map(({ purpose }) => purpose.path);

  it("joins the cgroup namespace when the process is born, and no other", () => {
    const namespaces: readonly LinuxNamespace[] = [JOINED, { type: "uts", path: "/proc/9/ns/uts" }];
    expect(entered(compileJoins(namespaces, SMALL_V2))).to.deep.equal(["/proc/9/ns/uts"]);
    expect(entered(compileLateJoin(namespaces))).to.deep.equal(["/proc/9/ns/cgroup"]);
    const opened = compileJoins(namespaces, SMALL_V2).filter(({ call }) => call === "openat");
    expect(opened.map(({ args }) => args[1])).to.include("/proc/9/ns/cgroup");
  });

  it("joins it before the birth where the process is born without privilege over it", () => {
    const namespaces: readonly LinuxNamespace[] = [JOINED, { type: "user" }];
    expect(entered(compileJoins(namespaces, SMALL_V2))).to.deep.equal(["/proc/9/ns/cgroup"]);
    expect(compileLateJoin(namespaces)).to.deep.equal([]);
  });

  it("leaves a namespace of the container's own to others", () => {
    expect(compileLateJoin([{ type: "cgroup" }])).to.deep.equal([]);
  });
});
