import { expect } from "chai";
import { describe, it } from "mocha";
import { ContainerError } from "../errors.ts";
import type { Config, Linux } from "../spec/config.ts";
import { NESTED_ROOT, ORDINARY_USER, SMALL_V2 } from "../testing/plan-host.ts";
import type { Host } from "./host.ts";
import { groupsPolicy, isOwnId, refuseRootless } from "./rootless.ts";

const OWN: Linux = {
  namespaces: [{ type: "user" }, { type: "mount" }],
  uidMappings: [{ containerID: 0, hostID: 1000, size: 1 }],
  gidMappings: [{ containerID: 0, hostID: 1001, size: 1 }],
};
const MANY = [{ containerID: 0, hostID: 100_000, size: 10 }];
const JOINED: Linux = { namespaces: [{ type: "user", path: "/proc/1/ns/user" }] };
const WITHOUT_TOOLS: Host = { ...ORDINARY_USER, rootless: { uid: 1000, gid: 1001 } };

describe("isOwnId()", () => {
  for (const [mapping, isOwn] of [
    [{ containerID: 0, hostID: 1000, size: 1 }, true],
    [{ containerID: 7, hostID: 1000, size: 1 }, true],
    [{ containerID: 0, hostID: 1000, size: 2 }, false],
    [{ containerID: 0, hostID: 0, size: 1 }, false],
  ] as const) {
    it(`${JSON.stringify(mapping)}: ${isOwn}`, () => expect(isOwnId([mapping], 1000)).to.equal(isOwn));
  }
  it("takes one mapping", () => expect(isOwnId([], 1000)).to.equal(false));
});

describe("groupsPolicy()", () => {
  const cases: readonly {
    readonly name: string;
    readonly linux: Linux;
    readonly host: Host;
    readonly policy: string;
  }[] = [
    { name: "the host's root", linux: {}, host: SMALL_V2, policy: "allowed" },
    { name: "a new namespace of root", linux: { ...OWN, gidMappings: MANY }, host: SMALL_V2, policy: "allowed" },
    { name: "an ordinary user's own group", linux: OWN, host: ORDINARY_USER, policy: "denied" },
    { name: "an ordinary user's ranges", linux: { ...OWN, gidMappings: MANY }, host: ORDINARY_USER, policy: "allowed" },
    { name: "a namespace that is joined", linux: JOINED, host: ORDINARY_USER, policy: "unknown" },
    { name: "one joined by root", linux: JOINED, host: SMALL_V2, policy: "unknown" },
    { name: "one where it is denied already", linux: {}, host: NESTED_ROOT, policy: "denied" },
  ];
  for (const { name, linux, host, policy } of cases) {
    it(`${name}: ${policy}`, () => expect(groupsPolicy(linux, host, {})).to.equal(policy));
  }
});

describe("refuseRootless()", () => {
  const tmpfs = (option: string) => [{ destination: "/t", type: "tmpfs", options: ["ro", option] }];
  const good: readonly { readonly name: string; readonly config: Partial<Config>; readonly host?: Host }[] = [
    { name: "one id", config: { linux: OWN }, host: WITHOUT_TOOLS },
    { name: "ranges with tools", config: { linux: { ...OWN, uidMappings: MANY, gidMappings: MANY } } },
    { name: "a joined namespace", config: { linux: JOINED } },
    { name: "gid=0, which is mapped", config: { linux: OWN, mounts: tmpfs("gid=0") } },
    { name: "a gid= that is no number", config: { linux: OWN, mounts: tmpfs("gid=x") } },
    { name: "no user namespace for root of one", config: {}, host: NESTED_ROOT },
    { name: "no user namespace for the host's root", config: { linux: { netDevices: { eth0: {} } } }, host: SMALL_V2 },
  ];
  for (const { name, config, host = ORDINARY_USER } of good) {
    it(`takes ${name}`, () => refuseRootless({ ociVersion: "1.3.0", root: { path: "r" }, ...config }, host));
  }

  const bad: readonly { readonly config: Partial<Config>; readonly host?: Host; readonly why: string }[] = [
    { config: {}, why: 'linux.namespaces): rootless container requires user namespaces: add one of type "user"' },
    {
      config: { linux: { ...OWN, uidMappings: MANY } },
      host: WITHOUT_TOOLS,
      why: "linux.uidMappings): an ordinary user maps one id by itself, its own (1000); more take newuidmap(1), which is not in PATH: install it",
    },
    {
      config: { linux: { ...OWN, gidMappings: MANY } },
      host: WITHOUT_TOOLS,
      why: "linux.gidMappings): an ordinary user maps one id by itself, its own (1001); more take newgidmap(1)",
    },
    {
      config: { linux: OWN, mounts: [{ destination: "/d", source: "/s", options: ["bind", "idmap"] }] },
      why: "mounts[0]): id-mapped mounts are not supported for rootless containers",
    },
    {
      config: { linux: OWN, mounts: tmpfs("gid=5") },
      why: "mounts[0].options[1]): cannot specify gid=5 mount option for rootless container",
    },
    {
      config: { linux: OWN, mounts: tmpfs("uid=1") },
      why: "mounts[0].options[1]): cannot specify uid=1 mount option for rootless container",
    },
    {
      config: { linux: { ...OWN, netDevices: { eth0: {} } } },
      why: "linux.netDevices.eth0): a network device of the host can only be moved by the host's root",
    },
    { config: { linux: { netDevices: { eth0: {} } } }, host: NESTED_ROOT, why: "linux.netDevices.eth0)" },
    {
      config: { linux: OWN, process: { cwd: "/", user: { additionalGids: [5] } } },
      why: "process.user.additionalGids)",
    },
  ];
  for (const { config, host = ORDINARY_USER, why } of bad) {
    it(`refuses: ${why}`, () => {
      const refused = expect(() => refuseRootless({ ociVersion: "1.3.0", root: { path: "r" }, ...config }, host));
      refused.to.throw(ContainerError, why).with.property("code", "permission_denied");
    });
  }
});
