import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { describe, it } from "mocha";
import { ContainerError, SpecError } from "../errors.ts";
import { isConfig } from "./gen/is-valid.js";
import { validateConfig } from "./gen/validate-config.js";
import { parseConfig, parseProcess, parseResources } from "./parse-config.ts";
import { isObject } from "./pointer.ts";
import { configWith, faultsOf } from "./test-config.ts";

const TESTDATA = join(import.meta.dirname, "testdata");
const files = readdirSync(TESTDATA).filter((name) => name.endsWith(".json"));

function read(name: string): string {
  return readFileSync(join(TESTDATA, name), "utf8");
}

describe("parseConfig()", () => {
  it("has configs of other programs to try", () => {
    expect(files).to.include.members([
      "docker.json",
      "podman.json",
      "runc-1.1.5-spec.json",
      "runc-1.1.5-spec-rootless.json",
    ]);
  });
  for (const name of files) {
    it(`takes ${name} as it is, without a warning`, () => {
      const { config, warnings } = parseConfig(read(name));
      expect(warnings).to.deep.equal([]);
      expect(config).to.deep.equal(JSON.parse(read(name)));
    });
  }

  it("reports faults of shape and of sense together, in the order of the document", () => {
    const faults = faultsOf({
      ociVersion: "1.3.0",
      hostname: "h",
      process: { args: [1, "a", 2], rlimits: [{ type: "RLIMIT_CPU", soft: 2, hard: 1 }], cwd: "a" },
      linux: { personality: { domain: "X" }, cgroupsPath: "..", sysctl: { "a~b/c": 1 } },
    });
    expect(faults.map((fault) => fault.slice(0, fault.indexOf(":")))).to.deep.equal([
      "/hostname",
      "/process/args/0",
      "/process/args/2",
      "/process/rlimits/0/soft",
      "/process/cwd",
      "/linux/personality/domain",
      "/linux/cgroupsPath",
      "/linux/sysctl/a~0b~1c",
      "/root",
    ]);
  });

  it("reports a property once and keeps its value", () => {
    try {
      parseConfig(JSON.stringify(configWith({ process: { cwd: "/", args: ["a"], user: { uid: -1.5 } } })));
      expect.fail("no error");
    } catch (error) {
      expect(error).to.be.instanceOf(SpecError);
      expect((error as SpecError).faults).to.deep.equal([
        { pointer: "/process/user/uid", value: -1.5, problem: "must be an integer from 0 to 4294967294" },
      ]);
    }
  });

  it("does not ask a rule about what has the wrong shape", () => {
    const linux = {
      namespaces: "none",
      sysctl: { "kernel.foo": "1" },
      seccomp: { defaultAction: 1, defaultErrnoRet: 1 },
    };
    expect(faultsOf(configWith({ hostname: "h", linux }))).to.deep.equal([
      "/linux/namespaces: must be an array",
      '/linux/seccomp/defaultAction: must be one of "SCMP_ACT_KILL", "SCMP_ACT_KILL_THREAD", "SCMP_ACT_KILL_PROCESS", "SCMP_ACT_TRAP", "SCMP_ACT_ERRNO", "SCMP_ACT_TRACE", "SCMP_ACT_LOG", "SCMP_ACT_ALLOW", "SCMP_ACT_NOTIFY"',
    ]);
  });

  for (const text of ["null", "[]", '"x"', "1"]) {
    it(`refuses ${text}`, () => {
      expect(faultsOf(JSON.parse(text))).to.deep.equal([": must be an object"]);
    });
  }

  it("takes out null and empty strings where runc does not tell them from absent", () => {
    const absent = {
      hostname: "",
      hooks: null,
      mounts: null,
      linux: { namespaces: [{ type: "pid", path: "" }], seccomp: null },
    };
    const { config } = parseConfig(JSON.stringify(configWith(absent)));
    expect(config).to.deep.equal(configWith({ linux: { namespaces: [{ type: "pid" }] } }));
  });

  it("does not take null for a required property or an element", () => {
    expect(faultsOf(configWith({ root: null, process: { cwd: "/", args: [null] } }))).to.deep.equal([
      "/process/args/0: must be a string without NUL",
      "/root: must be an object",
    ]);
  });

  it("takes properties the spec does not know", () => {
    const { config } = parseConfig(JSON.stringify(configWith({ vtpm: 1, linux: { enableCMT: [] } })));
    expect(config).to.include({ vtpm: 1 });
  });

  it("takes keys that objects have by themselves", () => {
    expect(faultsOf(JSON.parse('{"__proto__": {"root": 1}, "constructor": 1}')).length).to.equal(2);
  });

  it("warns of what the spec tolerates", () => {
    const { warnings } = parseConfig(
      JSON.stringify(
        configWith({
          process: {
            cwd: "/",
            args: ["a"],
            capabilities: { bounding: ["CAP_KILL", "CAP_FOO"], permitted: ["CAP_FOO"] },
          },
          mounts: [{ destination: "a" }, { destination: "/b", source: "/b", options: ["bind", "async", "sync"] }],
          linux: {
            namespaces: [{ type: "user", path: "/a" }],
            gidMappings: [{ containerID: 0, hostID: 0, size: 1 }],
            personality: { domain: "LINUX", flags: ["x"] },
            resources: { memory: { kernel: 1 } },
            seccomp: { defaultAction: "SCMP_ACT_ALLOW", listenerMetadata: "x" },
          },
        }),
      ),
    );
    expect(warnings).to.deep.equal([
      'process.capabilities.bounding[1]: ignoring unknown capability "CAP_FOO"',
      'mounts[0].destination: "a" is relative, which is deprecated; it is taken as relative to /',
      'mounts[1].options[2]: "sync" has no effect on a bind mount',
      "linux.uidMappings: a user namespace to join has its mappings already; they must be the same",
      "linux.personality.flags: ignoring the flags, none is defined",
      "linux.resources.memory: ignoring the obsolete kernel memory limits",
      "linux.seccomp.listenerMetadata: ignoring the metadata, there is no listenerPath",
    ]);
  });

  it("says where a text stops being JSON", () => {
    expect(() => parseConfig('{\n  "ociVersion": "1.0.0",\n}'))
      .to.throw(
        ContainerError,
        'cannot parse config.json: line 3, column 1: expected a property name in double quotes, found "}"',
      )
      .with.property("code", "invalid_argument");
  });
});

describe("the generated validators", () => {
  const values: unknown[] = [
    undefined,
    null,
    0,
    -1,
    1.5,
    2 ** 40,
    -(2 ** 70),
    "",
    "a\nb",
    "\0",
    "/",
    true,
    [],
    {},
    [0],
    ["x"],
    { a: 0 },
  ];

  for (const name of files) {
    it(`agree on every change of ${name}`, () => {
      const document: unknown = JSON.parse(read(name));
      let [allowed, refused] = [0, 0];
      for (const { holder, key } of placesIn(document)) {
        const old = holder[key];
        for (const value of values) {
          holder[key] = value;
          const valid = isConfig(document);
          expect(validateConfig(document), `${key} = ${JSON.stringify(value)}`).to.equal(valid);
          if (valid) allowed++;
          else refused++;
        }
        holder[key] = old;
      }
      expect(allowed).to.be.greaterThan(50);
      expect(refused).to.be.greaterThan(50);
    });
  }
});

/** Every property and element; of long lists the first three. */
function placesIn(value: unknown): { holder: Record<string, unknown>; key: string }[] {
  if (!isObject(value)) return [];
  const keys = Array.isArray(value) ? Object.keys(value).slice(0, 3) : Object.keys(value);
  return keys.flatMap((key) => [{ holder: value, key }, ...placesIn(value[key])]);
}

describe("parseProcess()", () => {
  it("takes the document of exec --process", () => {
    const { process, warnings } = parseProcess('{"cwd": "/", "args": ["sh"], "capabilities": {"ambient": ["CAP_X"]}}');
    expect(process.args).to.deep.equal(["sh"]);
    expect(warnings).to.deep.equal(['capabilities.ambient[0]: ignoring unknown capability "CAP_X"']);
  });
  it("reports pointers of that document", () => {
    expect(() => parseProcess('{"cwd": "", "scheduler": {"policy": "SCHED_RR"}}')).to.throw(
      SpecError,
      /\/cwd: .*; \/scheduler\/priority: .*; \/args: /,
    );
  });
});

describe("parseResources()", () => {
  it("takes the document of update --resources", () => {
    expect(parseResources('{"pids": {"limit": 0}, "cpu": null}')).to.deep.equal({ pids: { limit: 0 } });
  });
  it("reports pointers of that document", () => {
    expect(() => parseResources('{"unified": {"a/b": "1"}, "memory": {"limit": "1"}}')).to.throw(
      SpecError,
      /\/unified\/a~1b: .*; \/memory\/limit: /,
    );
  });
});
