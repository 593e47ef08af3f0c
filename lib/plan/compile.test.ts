import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { describe, it } from "mocha";
import { parseConfig } from "../spec/parse-config.ts";
import { configWith } from "../spec/test-config.ts";
import { expectGolden } from "../testing/golden.ts";
import { compile, compileInit, compileSetup, planSteps } from "./compile.ts";
import { explainSteps, explainText } from "./explain.ts";
import type { Host, Request } from "./host.ts";
import { HYBRID, LEGACY, REQUEST, SMALL_V2, V2 } from "../testing/plan-host.ts";

const TESTDATA = join(import.meta.dirname, "testdata");

interface Golden {
  /** testdata/<name>.json → testdata/<name>.plan.txt */
  readonly name: string;
  readonly host: Host;
  readonly request?: Partial<Request>;
}

const GOLDEN: readonly Golden[] = [
  { name: "runc-spec", host: HYBRID },
  { name: "docker", host: HYBRID },
  { name: "docker-v2", host: V2 },
  { name: "podman", host: V2 },
  { name: "minimal", host: LEGACY },
  { name: "no-process", host: SMALL_V2 },
  { name: "terminal-console-size", host: SMALL_V2 },
  { name: "joined-namespaces", host: SMALL_V2 },
  { name: "no-namespaces", host: LEGACY },
  { name: "readonly-root", host: SMALL_V2 },
  { name: "propagation-shared", host: { ...SMALL_V2, rootfsMountPoint: "/var/lib" } },
  { name: "propagation-private", host: SMALL_V2 },
  { name: "propagation-unbindable", host: SMALL_V2 },
  { name: "no-pivot", host: SMALL_V2, request: { noPivot: true, noNewKeyring: true } },
  { name: "preserve-fds", host: { ...SMALL_V2, nullStdio: [] }, request: { preserveFds: 3 } },
  { name: "sysctls", host: SMALL_V2 },
  { name: "devices", host: SMALL_V2 },
  { name: "bound-dev", host: SMALL_V2 },
  { name: "binds", host: { ...SMALL_V2, nullStdio: [0, 1, 2] } },
  { name: "resources-v1", host: { ...HYBRID, lastCapability: 1 } },
  { name: "resources-v2", host: { ...V2, lastCapability: 1 } },
  { name: "user", host: SMALL_V2 },
  { name: "path-lookup-home-missing", host: SMALL_V2 },
  { name: "absolute-args-home-given", host: SMALL_V2 },
];

function planOf({ name, host, request = {} }: Golden) {
  const { config } = parseConfig(readFileSync(join(TESTDATA, `${name}.json`), "utf8"));
  return compile(config, host, { ...REQUEST, ...request });
}

describe("compile()", () => {
  for (const golden of GOLDEN) {
    it(`gives the plan of ${golden.name}.plan.txt`, () => {
      expectGolden(join(TESTDATA, `${golden.name}.plan.txt`), explainText(planOf(golden)));
    });
  }

  it("has a case for every file of testdata", () => {
    const files = readdirSync(TESTDATA).sort();
    expect(files).to.deep.equal(GOLDEN.flatMap(({ name }) => [`${name}.json`, `${name}.plan.txt`]).sort());
  });

  it("gives the same plan for the same config", () => {
    const [golden] = GOLDEN;
    expect(golden && explainText(planOf(golden))).to.equal(golden && explainText(planOf(golden)));
  });

  it("gives the parts that compileSetup() and compileInit() give", () => {
    const { config } = parseConfig(JSON.stringify(configWith({})));
    const plan = compile(config, SMALL_V2, REQUEST);
    const parts = { setup: compileSetup(config, SMALL_V2, REQUEST), init: compileInit(config, SMALL_V2, REQUEST) };
    expect(explainSteps(plan)).to.deep.equal(explainSteps(parts));
    expect(planSteps(plan)).to.have.lengthOf(parts.setup.length + parts.init.length);
  });

  for (const golden of GOLDEN) {
    it(`jumps only inside of each part of ${golden.name}`, () => {
      const { setup, init } = planOf(golden);
      const outside = [setup, init].flatMap((part) =>
        part.filter(({ skip = 0, otherwise = 0 }, index) => index + 1 + Math.max(skip, otherwise) > part.length - 1),
      );
      // The fork goes over the parent's three steps to the last one, `continue`.
      expect(outside.filter(({ call }) => call !== "execve" && call !== "accept4" && call !== "close")).to.deep.equal(
        outside.filter(({ call }) => call === "continue"),
      );
    });

    it(`uses no register of ${golden.name} before it has a value`, () => {
      const known = new Set(["control", "startListener", "program", "consoleSocket"]);
      const unknown: string[] = [];
      for (const { args, into } of planSteps(planOf(golden))) {
        for (const argument of args) {
          if (typeof argument !== "object" || argument.kind !== "register") continue;
          if (!known.has(argument.name)) unknown.push(argument.name);
        }
        if (into !== undefined) known.add(into);
      }
      expect(unknown).to.deep.equal([]);
    });
  }
});
