import { expect } from "chai";
import { scopeName, sliceDirectory } from "./unit.ts";

describe("scopeName()", () => {
  const cases: readonly (readonly [path: string, slice: string, cgroup: string])[] = [
    ["system.slice:docker:4f1c", "system.slice", "/system.slice/docker-4f1c.scope"],
    [":docker:4f1c", "default.slice", "/default.slice/docker-4f1c.scope"],
    ["", "default.slice", "/default.slice/tsrun-web.scope"],
    ["-:docker:a", "-.slice", "/docker-a.scope"],
    ["-.slice:docker:a", "-.slice", "/docker-a.scope"],
    ["machine.slice::a", "machine.slice", "/machine.slice/-a.scope"],
    [
      "kubepods-besteffort-pod1.slice:cri-containerd:ab",
      "kubepods-besteffort-pod1.slice",
      "/kubepods.slice/kubepods-besteffort.slice/kubepods-besteffort-pod1.slice/cri-containerd-ab.scope",
    ],
  ];
  for (const [path, slice, cgroup] of cases) {
    it(`${JSON.stringify(path)} is ${cgroup}`, () => {
      const scope = scopeName(path, "web", "default.slice");
      expect(scope).to.deep.equal({ slice, name: cgroup.slice(cgroup.lastIndexOf("/") + 1), path: cgroup });
    });
  }

  const wrong: readonly (readonly [path: string, why: string])[] = [
    ["/docker/web", 'must have the form "slice:prefix:name" with --systemd-cgroup, got "/docker/web"'],
    ["system.slice:web", "must have the form"],
    ["a:b:c:d", "must have the form"],
    ["system.slice:docker:", "has no name"],
    ["system.slice:docker:web.slice", "names the slice web.slice, and a slice holds no processes"],
    ["system.slice:docker:a b", 'gives the unit name "docker-a b.scope"'],
    ["system.slice:docker:../x", "gives the unit name"],
    ["system.slice:docker:a\n", "gives the unit name"],
    [`system.slice:docker:${"x".repeat(250)}`, "gives a unit name of 263 bytes"],
    ["system:docker:a", 'has the slice "system"'],
    [".slice:docker:a", "has the slice"],
    ["a/b.slice:docker:a", "has the slice"],
    ["a--b.slice:docker:a", "has the slice"],
    ["-a.slice:docker:a", "has the slice"],
    ["../x.slice:docker:a", "has the slice"],
  ];
  for (const [path, why] of wrong) {
    it(`refuses ${JSON.stringify(path).slice(0, 40)}`, () => {
      expect(() => scopeName(path, "web", "default.slice")).to.throw(`linux.cgroupsPath ${why}`);
    });
  }

  it("refuses an id that no unit can be called by", () => {
    expect(() => scopeName("", "a+b", "default.slice")).to.throw('gives the unit name "tsrun-a+b.scope"');
  });
});

describe("sliceDirectory()", () => {
  it("makes a level of each dash", () => {
    expect(sliceDirectory("a-b-c.slice")).to.equal("/a.slice/a-b.slice/a-b-c.slice");
  });
});
