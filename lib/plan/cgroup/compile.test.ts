import { expect } from "chai";
import { describe, it } from "mocha";
import { ContainerError } from "../../errors.ts";
import type { LinuxResources } from "../../spec/resources.ts";
import { HYBRID, LEGACY, SMALL_V2, V2 } from "../../testing/plan-host.ts";
import type { Host } from "../host.ts";
import { compileCgroups } from "./compile.ts";

describe("compileCgroups()", () => {
  const cases: readonly {
    readonly name: string;
    readonly resources: LinuxResources;
    readonly host: Host;
    readonly why?: string;
  }[] = [
    {
      name: "v1, no such hierarchy",
      resources: { memory: { limit: 1 } },
      host: LEGACY,
      why: "cannot apply linux.resources.memory.limit: the memory controller is not mounted on this host",
    },
    {
      name: "v1, no such hierarchy for a list",
      resources: { network: { priorities: [{ name: "lo", priority: 1 }] } },
      host: LEGACY,
      why: "cannot apply linux.resources.network.priorities[0]: the net_prio controller is not mounted on this host",
    },
    { name: "v1, mounted", resources: { pids: { limit: 1 } }, host: LEGACY },
    { name: "v1, mounted with another controller", resources: { cpu: { shares: 2 } }, host: HYBRID },
    {
      name: "v2, no such controller",
      resources: { memory: { limit: 1 } },
      host: SMALL_V2,
      why: "cannot apply linux.resources.memory.limit: the memory controller is not available on this host",
    },
    {
      name: "v2, no such controller for a file of unified",
      resources: { unified: { "memory.high": "1" } },
      host: SMALL_V2,
      why: 'cannot apply linux.resources.unified["memory.high"]: the memory controller is not available on this host',
    },
    { name: "v2, a file of no controller", resources: { unified: { "cgroup.max.depth": "1" } }, host: SMALL_V2 },
    { name: "v2, available", resources: { memory: { limit: 1 } }, host: V2 },
    { name: "v2, nothing asked", resources: {}, host: SMALL_V2 },
  ];
  for (const { name, resources, host, why = "" } of cases.filter((each) => each.why !== undefined)) {
    it(`refuses: ${name}`, () => {
      const refused = expect(() => compileCgroups(resources, host)).to.throw(ContainerError, why);
      refused.with.property("code", "failed_precondition");
    });
  }
  for (const { name, resources, host } of cases.filter((each) => each.why === undefined)) {
    it(`takes: ${name}`, () => expect(compileCgroups(resources, host)).to.not.have.lengthOf(0));
  }

  it("v2: makes and opens every directory from the top", () => {
    const steps = compileCgroups(
      { pids: { limit: 7 } },
      {
        ...SMALL_V2,
        cgroups: { mode: "v2", mountPoint: "/c", directory: "/c/a/b/web", controllers: ["pids", "cpu"] },
      },
    );
    const files = steps.filter(({ call }) => call === "mkdirat" || call === "writeFile");
    expect(files.map(({ call, args }) => [call, String(args[call === "mkdirat" ? 1 : 0]), args[1]])).to.deep.equal([
      ["mkdirat", "/c/a", "/c/a"],
      ["mkdirat", "/c/a/b", "/c/a/b"],
      ["mkdirat", "/c/a/b/web", "/c/a/b/web"],
      ...["/c", "/c/a", "/c/a/b"].flatMap((parent) =>
        ["+pids", "+cpu"].map((controller) => ["writeFile", `${parent}/cgroup.subtree_control`, controller]),
      ),
      ["writeFile", "/c/a/b/web/pids.max", "7"],
    ]);
  });

  it("v1: fills the cpuset before anything is written to it, and once", () => {
    const steps = compileCgroups({ cpu: { cpus: "1" } }, HYBRID);
    const paths = steps.map(({ args }) => String(args[0])).filter((path) => path.includes("/cpuset.cpus"));
    const directory = "/sys/fs/cgroup/cpuset/docker";
    expect(paths).to.deep.equal([
      `${directory}/cpuset.cpus`,
      `${directory}/web/cpuset.cpus`,
      `${directory}/web/cpuset.cpus`,
    ]);
  });

  it("v1: fills a cpuset that has a value, too, when it turns out to be gone", () => {
    const hierarchies = HYBRID.cgroups.mode === "v1" ? HYBRID.cgroups.hierarchies : [];
    const filled = hierarchies.map((each) =>
      each.cpuset === undefined ? each : { ...each, cpuset: { ...each.cpuset, fill: [] } },
    );
    const steps = compileCgroups({}, { ...HYBRID, cgroups: { mode: "v1", hierarchies: filled } });
    const made = steps.findIndex(({ args }) => args[1] === "/sys/fs/cgroup/cpuset/docker/web");
    expect(steps[made]).to.include({ call: "mkdirat", otherwise: 2 });
    expect(steps.slice(made + 1, made + 3).map(({ args }) => args[0])).to.deep.equal([
      "/sys/fs/cgroup/cpuset/docker/web/cpuset.cpus",
      "/sys/fs/cgroup/cpuset/docker/web/cpuset.mems",
    ]);
  });
});
