import { expect } from "chai";
import type { Config } from "../../spec/config.ts";
import { REQUEST, SMALL_V2 } from "../../testing/plan-host.ts";
import { compileLateLimits } from "../cgroup/compile.ts";
import { compile } from "../compile.ts";
import { explainText } from "../explain.ts";
import { compileScope } from "./compile.ts";
import { scopeName } from "./unit.ts";

const SCOPE = scopeName("system.slice:docker:web", "web", "system.slice");
const FACTS = { mode: "v2", version: 255 } as const;
const CONFIG: Config = {
  ociVersion: "1.0.0",
  root: { path: "rootfs" },
  annotations: { "org.systemd.property.CollectMode": "'inactive-or-failed'" },
  linux: { namespaces: [{ type: "mount" }], resources: { pids: { limit: 1 } } },
};

describe("compileScope()", () => {
  it("ends with the start of the unit, and lets annotations have the last word", () => {
    const steps = compileScope(CONFIG, "web", SCOPE, FACTS);
    expect(steps.at(-1)).to.include({ call: "StartTransientUnit" });
    expect(steps.at(-2)?.property).to.include({ name: "CollectMode", value: "inactive-or-failed" });
    expect(steps.slice(0, -1).every(({ property }) => property !== undefined)).to.equal(true);
  });

  it("always asks for delegation, accounting and no dependencies", () => {
    const found = compileScope(CONFIG, "web", SCOPE, FACTS).map(({ text }) => text.join("="));
    expect(found).to.include.members([
      'Description="tsrun container web"',
      'Slice="system.slice"',
      "Delegate=true",
      "MemoryAccounting=true",
      "CPUAccounting=true",
      "IOAccounting=true",
      "TasksAccounting=true",
      "DefaultDependencies=false",
    ]);
  });

  it("stands in the plan where setup waits for it", () => {
    const host = { ...SMALL_V2, scope: SCOPE };
    const plan = { ...compile(CONFIG, host, REQUEST), scope: compileScope(CONFIG, "web", SCOPE, FACTS) };
    const lines = explainText(plan).split("\n");
    const at = (text: string) => lines.findIndex((line) => line.includes(text));
    expect(at("wait until systemd has taken this process into the unit")).to.be.greaterThan(0);
    expect(at("StartTransientUnit")).to.be.greaterThan(at("wait until systemd"));
    expect(at("make cgroup")).to.be.greaterThan(at("StartTransientUnit"));
    expect(lines.filter((line) => line.startsWith("setup:"))).to.have.length(2);
  });
});

describe("compileLateLimits()", () => {
  const limit = (host: typeof SMALL_V2, tasks: number) =>
    compileLateLimits({ pids: { limit: tasks } }, host).map(({ args }) => args[1]);

  it("keeps back the limit that would forbid the birth of init", () => {
    expect(limit(SMALL_V2, 0)).to.deep.equal(["0"]);
    expect(limit(SMALL_V2, 1)).to.deep.equal([]);
    expect(limit(SMALL_V2, -1)).to.deep.equal([]);
    expect(limit({ ...SMALL_V2, scope: SCOPE }, 1)).to.deep.equal(["1"]);
    expect(limit({ ...SMALL_V2, scope: SCOPE }, 2)).to.deep.equal([]);
  });

  it("writes each limit once", () => {
    const writes = (tasks: number) =>
      compile({ ...CONFIG, linux: { ...CONFIG.linux, resources: { pids: { limit: tasks } } } }, SMALL_V2, REQUEST)
        .setup.filter(({ args }) => String(args[0]).endsWith("/pids.max"))
        .map(({ args }) => args[1]);
    expect([writes(0), writes(5)]).to.deep.equal([["0"], ["5"]]);
  });
});
