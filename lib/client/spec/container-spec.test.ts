import { expect } from "chai";
import { describe, it } from "mocha";
import { parseConfig } from "../../spec/parse-config.ts";
import { chooseCapabilities } from "./capabilities.ts";
import { type ContainerRequest, makeSpec } from "./container-spec.ts";

const REQUEST: ContainerRequest = {
  ...{ id: "web", namespace: "default", entrypoint: undefined, command: [], env: [], workingDir: undefined },
  ...{ hostname: undefined, terminal: false, readOnly: false, privileged: false, capabilities: ["CAP_KILL"] },
  ...{ noNewPrivileges: false, mounts: [], rlimits: [], memoryBytes: undefined, shmBytes: undefined, cpus: undefined },
  ...{ cpuShares: undefined, cpusetCpus: undefined, pidsLimit: undefined, hasHostNetwork: false, hasHostPid: false },
  ...{ sysctl: {}, cgroupMode: "unified", seccomp: undefined, apparmorProfile: undefined, mask: [], unmask: [] },
  devices: { devices: [], rules: [] },
};
const IMAGE = {
  ...{ entrypoint: ["/entry"], cmd: ["serve", "-v"], env: ["PATH=/opt/bin", "LANG=C"], user: "", workingDir: "/srv" },
  ...{ stopSignal: undefined, labels: {}, volumes: [] },
};
const ROOT = { uid: 0, gid: 0 };

function make(request: Partial<ContainerRequest> = {}, image: Partial<typeof IMAGE> = {}, user = ROOT) {
  return makeSpec({ ...REQUEST, ...request }, { ...IMAGE, ...image }, user);
}

describe("makeSpec()", () => {
  const programs: readonly (readonly [string, Partial<ContainerRequest>, Partial<typeof IMAGE>, readonly string[]])[] =
    [
      ["the image's", {}, {}, ["/entry", "serve", "-v"]],
      ["a command in place of the image's", { command: ["check"] }, {}, ["/entry", "check"]],
      ["an entrypoint, and nothing of the image's", { entrypoint: ["sh"] }, {}, ["sh"]],
      ["an entrypoint and a command", { entrypoint: ["sh"], command: ["-c", "x"] }, {}, ["sh", "-c", "x"]],
      ["a command alone", { entrypoint: [], command: ["ls"] }, {}, ["ls"]],
      ["an image without an entrypoint", {}, { entrypoint: [] }, ["serve", "-v"]],
    ];
  for (const [name, request, image, args] of programs) {
    it(`runs ${name}`, () => expect(make(request, image).process?.args).to.deep.equal(args));
  }

  it("refuses to run nothing", () => {
    expect(() => make({}, { entrypoint: [], cmd: [] })).to.throw("no program to run");
    expect(() => make({ entrypoint: [] })).to.throw("no program to run");
  });

  it("puts the environment together, the last value of a name", () => {
    const { env } = make({ env: ["LANG=de", "A=1=2"], terminal: true }).process ?? {};
    expect(env).to.deep.equal(["PATH=/opt/bin", "TERM=xterm", "LANG=de", "A=1=2"]);
  });

  it("takes the working directory of the image, unless told otherwise", () => {
    expect(make().process?.cwd).to.equal("/srv");
    expect(make({ workingDir: "/tmp" }).process?.cwd).to.equal("/tmp");
    expect(make({}, { workingDir: "" }).process?.cwd).to.equal("/");
  });

  it("leaves the capabilities of another user to what it executes", () => {
    expect(make().process?.capabilities).to.have.keys("bounding", "effective", "permitted");
    expect(make({}, {}, { uid: 5, gid: 5 }).process?.capabilities).to.have.keys("bounding");
  });

  it("limits what it is told to", () => {
    const limits = { memoryBytes: 1024, cpus: 1.5, cpuShares: 7, cpusetCpus: "0-1", pidsLimit: 9 };
    expect(make(limits).linux?.resources).to.deep.equal({
      devices: [{ allow: false, access: "rwm" }],
      memory: { limit: 1024 },
      cpu: { quota: 150_000, period: 100_000, shares: 7, cpus: "0-1" },
      pids: { limit: 9 },
    });
  });

  it("shares namespaces with the host where it is told to", () => {
    const types = (request: Partial<ContainerRequest>) => make(request).linux?.namespaces?.map(({ type }) => type);
    expect(types({})).to.deep.equal(["pid", "network", "ipc", "uts", "mount", "cgroup"]);
    expect(types({ hasHostNetwork: true, hasHostPid: true })).to.deep.equal(["ipc", "uts", "mount", "cgroup"]);
  });

  it("hides nothing from a privileged container", () => {
    const { linux, mounts = [] } = make({ privileged: true });
    expect(linux).to.not.have.any.keys("maskedPaths", "readonlyPaths");
    expect(linux?.resources?.devices).to.deep.equal([{ allow: true, access: "rwm" }]);
    expect(mounts.find(({ destination }) => destination === "/sys")?.options).to.not.include("ro");
  });

  it("hides what it is told to, and no more", () => {
    const { maskedPaths = [], readonlyPaths = [] } = make().linux ?? {};
    expect(maskedPaths).to.include("/proc/kcore");
    const some = make({ mask: ["/proc/x"], unmask: ["/proc/kcore", "/proc/sys"] }).linux;
    expect(some?.maskedPaths).to.have.length(maskedPaths.length).and.include("/proc/x").and.not.include("/proc/kcore");
    expect(some?.readonlyPaths)
      .to.have.length(readonlyPaths.length - 1)
      .and.not.include("/proc/sys");
    expect(make({ unmask: "all", mask: ["/proc/x"] }).linux).to.deep.include({ maskedPaths: ["/proc/x"] });
  });

  it("sizes shared memory", () => {
    const shm = (request: Partial<ContainerRequest>) =>
      make(request).mounts?.find(({ destination }) => destination === "/dev/shm")?.options;
    expect(shm({})).to.include("size=65536k");
    expect(shm({ shmBytes: 1024 }))
      .to.include("size=1024")
      .and.not.include("size=65536k");
  });

  it("gives devices, and leave to use them", () => {
    const device = { path: "/dev/fuse", type: "c", major: 10, minor: 229 } as const;
    const rule = { allow: true, type: "c", major: 10, minor: 229, access: "rw" } as const;
    const { devices, resources } = make({ devices: { devices: [device], rules: [rule] } }).linux ?? {};
    expect(devices).to.deep.equal([device]);
    expect(resources?.devices).to.deep.equal([{ allow: false, access: "rwm" }, rule]);
  });

  it("mounts what is asked for in place of its own", () => {
    const shm = { destination: "/dev/shm", type: "tmpfs", source: "tmpfs", options: ["size=1m"] };
    const mounts = make({ mounts: [{ ...shm, destination: "/dev/shm/" }] }).mounts ?? [];
    expect(mounts.filter(({ destination }) => destination.startsWith("/dev/shm"))).to.have.length(1);
    expect(mounts.at(-1)?.options).to.deep.equal(["size=1m"]);
  });

  it("makes what the runtime-spec allows", () => {
    const full = {
      memoryBytes: 1_048_576,
      cpus: 0.5,
      privileged: true,
      readOnly: true,
      terminal: true,
      sysctl: { "net.x": "1" },
    };
    for (const request of [{}, full]) expect(() => parseConfig(JSON.stringify(make(request)))).to.not.throw();
  });
});

describe("chooseCapabilities()", () => {
  const choose = (add: readonly string[], drop: readonly string[], privileged = false) =>
    chooseCapabilities({ add, drop, privileged, bounding: 2n ** 41n - 1n });

  it("has docker's fourteen", () => expect(choose([], [])).to.have.length(14));
  it("adds and drops, in any spelling", () => {
    const chosen = choose(["net_admin", "CAP_SYS_TIME"], ["kill"]);
    expect(chosen).to.include.members(["CAP_NET_ADMIN", "CAP_SYS_TIME"]).and.not.include("CAP_KILL");
    expect(chosen).to.have.length(15);
  });
  it("drops all but what is added", () => expect(choose(["kill"], ["all"])).to.deep.equal(["CAP_KILL"]));
  it("adds all but what is dropped", () => expect(choose(["ALL"], ["kill"])).to.have.length(40));
  it("has those alone that the machine has", () => {
    expect(chooseCapabilities({ add: [], drop: [], privileged: true, bounding: 0b10_1111n })).to.have.length(5);
  });
  it("refuses others", () => expect(() => choose(["fly"], [])).to.throw('there is no capability "fly"'));
});
