import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { describe, it } from "mocha";
import { parseConfig } from "../spec/parse-config.ts";
import { configWith } from "../spec/test-config.ts";
import { expectGolden } from "../testing/golden.ts";
import { HYBRID, LEGACY, NESTED_ROOT, ORDINARY_USER, REQUEST, SMALL_V2, V2 } from "../testing/plan-host.ts";
import { compile, compileInit, compileRuntime, compileSetup, planSteps } from "./compile.ts";
import { explainSteps, explainText } from "./explain.ts";
import type { Host, Request } from "./host.ts";
import type { Step } from "./step.ts";

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
  { name: "preserve-fds", host: { ...SMALL_V2, nullStdio: [], givenStdio: [0, 1, 2] }, request: { preserveFds: 3 } },
  { name: "sysctls", host: SMALL_V2 },
  { name: "devices", host: SMALL_V2 },
  { name: "bound-dev", host: SMALL_V2 },
  { name: "binds", host: { ...SMALL_V2, nullStdio: [0, 1, 2], givenStdio: [] } },
  { name: "resources-v1", host: { ...HYBRID, lastCapability: 1 } },
  { name: "resources-v2", host: { ...V2, lastCapability: 1 } },
  { name: "user", host: SMALL_V2 },
  { name: "user-namespace", host: SMALL_V2 },
  { name: "net-devices", host: SMALL_V2 },
  { name: "idmap", host: SMALL_V2 },
  { name: "idmap-user-namespace", host: SMALL_V2 },
  { name: "idmap-joined", host: SMALL_V2 },
  { name: "rootless", host: ORDINARY_USER },
  { name: "rootless-ranges", host: ORDINARY_USER },
  { name: "rootless-joined", host: ORDINARY_USER },
  { name: "nested-root", host: NESTED_ROOT },
  { name: "path-lookup-home-missing", host: SMALL_V2 },
  { name: "absolute-args-home-given", host: SMALL_V2 },
  { name: "hooks", host: SMALL_V2 },
  { name: "labels", host: { ...SMALL_V2, securityModules: { apparmor: true, selinux: true } } },
  { name: "seccomp-listener", host: SMALL_V2, request: { filter: { program: new Uint8Array(16), flags: 8 } } },
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
    const parts = {
      setup: compileSetup(config, SMALL_V2, REQUEST),
      runtime: compileRuntime(config, SMALL_V2, "PID"),
      init: compileInit(config, SMALL_V2, REQUEST),
    };
    expect(explainSteps(plan)).to.deep.equal(explainSteps(parts));
    expect(planSteps(plan)).to.have.lengthOf(parts.setup.length + parts.init.length);
  });

  for (const golden of GOLDEN) {
    it(`jumps only inside of each part of ${golden.name}`, () => {
      const { setup, init } = planOf(golden);
      // The last step of a part is the last one a jump may lead to.
      const outside = [setup, init].flatMap((part) =>
        part.filter(({ skip, otherwise }, index) => {
          const furthest = Math.max(skip ?? 0, otherwise ?? 0);
          return furthest > 0 && index + 1 + furthest >= part.length;
        }),
      );
      expect(outside).to.deep.equal([]);
    });

    it(`uses no register of ${golden.name} before it has a value`, () => {
      expect(usedTooEarly(planSteps(planOf(golden)))).to.deep.equal([]);
    });
  }
});

/** The registers that lib/runtime sets before the start. */
const PRESET = ["control", "startListener", "program", "consoleSocket"];

function usedTooEarly(steps: readonly Step[]): readonly string[] {
  const known = new Set(PRESET);
  return steps.flatMap(({ args, into }) => {
    const early = args.flatMap((argument) =>
      typeof argument === "object" && argument.kind === "register" && !known.has(argument.name) ? [argument.name] : [],
    );
    if (into !== undefined) known.add(into);
    return early;
  });
}
