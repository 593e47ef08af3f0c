import { expect } from "chai";
import type { LinuxNamespace } from "../spec/config.ts";
import { compileJoins, compileLateJoin } from "./namespaces.ts";

describe("compileLateJoin()", () => {
  const JOINED: LinuxNamespace = { type: "cgroup", path: "/proc/9/ns/cgroup" };
  const entered = (steps: ReturnType<typeof compileJoins>) =>
    steps.filter(({ call }) => call === "setns").map(({ purpose }) => purpose.path);

  it("joins the cgroup namespace when the process is born, and no other", () => {
    const namespaces: readonly LinuxNamespace[] = [JOINED, { type: "uts", path: "/proc/9/ns/uts" }];
    expect(entered(compileJoins(namespaces))).to.deep.equal(["/proc/9/ns/uts"]);
    expect(entered(compileLateJoin(namespaces))).to.deep.equal(["/proc/9/ns/cgroup"]);
    const opened = compileJoins(namespaces).filter(({ call }) => call === "openat");
    expect(opened.map(({ args }) => args[1])).to.include("/proc/9/ns/cgroup");
  });

  it("joins it before the birth where the process is born without privilege over it", () => {
    const namespaces: readonly LinuxNamespace[] = [JOINED, { type: "user" }];
    expect(entered(compileJoins(namespaces))).to.deep.equal(["/proc/9/ns/cgroup"]);
    expect(compileLateJoin(namespaces)).to.deep.equal([]);
  });

  it("leaves a namespace of the container's own to others", () => {
    expect(compileLateJoin([{ type: "cgroup" }])).to.deep.equal([]);
  });
});
