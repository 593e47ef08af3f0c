import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { expect } from "chai";
import { ContainerError } from "../errors.ts";
import { openKernel } from "../linux/kernel.ts";
import type { IntelRdt } from "../spec/config.ts";
import { DONE, failureOf, runProgram } from "../testing/run-program.ts";
import { TemporaryDirectory } from "../testing/temporary-directory.ts";
import { compileResctrl, type ResctrlHost, refuseResctrl, resctrlGroup, schemataOf } from "./resctrl.ts";

const HOST: ResctrlHost = { mountPoint: "/sys/fs/resctrl", resources: ["L3", "MB", "L3_MON"] };
const GUARANTEED: ResctrlHost = { ...HOST, schemata: "    L3:0=00f;1=0ff\n    MB:0=100;1=100\n" };

describe("refuseResctrl()", () => {
  const refused: readonly {
    readonly rdt: IntelRdt;
    readonly host: ResctrlHost | undefined;
    readonly message: string;
  }[] = [
    {
      rdt: {},
      host: undefined,
      message:
        "intelRdt is specified in config, but Intel RDT is not supported or enabled (linux.intelRdt): resctrl is not mounted",
    },
    {
      rdt: { l3CacheSchema: "L3:0=f" },
      host: { resources: [] },
      message:
        "intelRdt.l3CacheSchema is specified in config, but Intel RDT/CAT is not enabled (linux.intelRdt.l3CacheSchema)",
    },
    {
      rdt: { memBwSchema: "MB:0=20" },
      host: { ...HOST, resources: ["L3", "MB_MON"] },
      message:
        "intelRdt.memBwSchema is specified in config, but Intel RDT/MBA is not enabled (linux.intelRdt.memBwSchema)",
    },
    {
      rdt: { enableMonitoring: true },
      host: { ...HOST, resources: ["L3"] },
      message:
        "intelRdt.enableMonitoring is specified in config, but Intel RDT monitoring is not enabled (linux.intelRdt.enableMonitoring)",
    },
    {
      rdt: { closID: "gold" },
      host: HOST,
      message:
        'intelRdt.closID is "gold", but there is no such group, and no schema to make it with (linux.intelRdt.closID)',
    },
    {
      rdt: { closID: "gold", schemata: ["L3:0=f", "L3:1=f"] },
      host: GUARANTEED,
      message: 'intelRdt.closID is "gold", but that group is there and does not have "L3:1=f" (linux.intelRdt.closID)',
    },
    {
      rdt: { closID: "gold", schemata: ["L2:0=f"] },
      host: GUARANTEED,
      message: 'intelRdt.closID is "gold", but that group is there and does not have "L2:0=f" (linux.intelRdt.closID)',
    },
  ];
  for (const { rdt, host, message } of refused) {
    it(`refuses ${JSON.stringify(rdt)}`, () => {
      expect(() => refuseResctrl(rdt, host))
        .to.throw(ContainerError)
        .with.property("message", message);
    });
  }

  for (const rdt of [
    undefined,
    {},
    { closID: "gold" },
    { closID: "gold", l3CacheSchema: "L3:1=0ff;0=f" },
    { closID: "gold", memBwSchema: "MB: 0=100" },
    { closID: "/" },
    { enableMonitoring: true },
  ] satisfies (IntelRdt | undefined)[]) {
    it(`takes ${JSON.stringify(rdt)}`, () => {
      expect(() => refuseResctrl(rdt, GUARANTEED)).not.to.throw();
    });
  }
});

describe("schemataOf()", () => {
  it("joins all there is, and takes bandwidth from its own property when that is there", () => {
    expect(schemataOf({ l3CacheSchema: "L3:0=f\nMB:0=10" })).to.deep.equal(["L3:0=f", "MB:0=10"]);
    expect(
      schemataOf({ l3CacheSchema: "L3:0=f\n MB:0=10", memBwSchema: "MB:0=20", schemata: ["L2:0=3", ""] }),
    ).to.deep.equal(["L3:0=f", "MB:0=20", "L2:0=3"]);
  });
});

describe("resctrlGroup()", () => {
  const root = "/sys/fs/resctrl";
  it("is one of the container's own, or that of a name, which stays", () => {
    expect(resctrlGroup({ intelRdt: {} }, HOST, "web")).to.deep.equal({
      tasks: [`${root}/web/tasks`],
      schemata: `${root}/web/schemata`,
      own: [`${root}/web`],
    });
    expect(resctrlGroup({ intelRdt: { closID: "gold", enableMonitoring: true } }, HOST, "web")).to.deep.equal({
      tasks: [`${root}/gold/tasks`, `${root}/gold/mon_groups/web/tasks`],
      schemata: `${root}/gold/schemata`,
      own: [`${root}/gold/mon_groups/web`],
    });
    expect(resctrlGroup({ intelRdt: { closID: "/" } }, HOST, "web")).to.deep.include({
      tasks: [`${root}/tasks`],
      own: [],
    });
    expect(resctrlGroup({}, HOST, "web")).to.equal(undefined);
    expect(resctrlGroup({ intelRdt: {} }, undefined, "web")).to.equal(undefined);
  });
});

describe("compileResctrl()", () => {
  it("writes the schemata at once and moves the process, which the executor can do", () => {
    using folder = new TemporaryDirectory();
    // The kernel makes these files with the directory.
    mkdirSync(folder.at("web/mon_groups/web"), { recursive: true });
    for (const file of ["web/schemata", "web/tasks", "web/mon_groups/web/tasks"]) writeFileSync(folder.at(file), "");
    const rdt: IntelRdt = { schemata: ["L3:0=f", "MB:0=20"], enableMonitoring: true };
    const steps = compileResctrl(rdt, { ...HOST, mountPoint: folder.path }, "web");
    expect(failureOf(runProgram(openKernel(), [...steps, DONE]))).to.equal(undefined);
    const read = (file: string) => readFileSync(folder.at(file), "utf8");
    expect(read("web/schemata")).to.equal("L3:0=f\nMB:0=20\n");
    expect(read("web/tasks")).to.equal("0");
    expect(read("web/mon_groups/web/tasks")).to.equal("0");
  });

  it("makes no group that is there", () => {
    const calls = (rdt: IntelRdt, host: ResctrlHost) => compileResctrl(rdt, host, "web").map(({ call }) => call);
    expect(calls({ closID: "gold" }, GUARANTEED)).to.deep.equal(["writeFile"]);
    expect(calls({ closID: "/" }, HOST)).to.deep.equal(["writeFile"]);
    expect(calls({}, HOST)).to.deep.equal(["mkdirat", "writeFile"]);
  });
});
