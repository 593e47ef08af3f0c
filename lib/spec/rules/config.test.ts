import { expect } from "chai";
import { describe, it } from "mocha";
import { type Case, configWith, faultsOf, matched } from "../test-config.ts";

const ALL = ["pid", "network", "mount", "ipc", "uts", "user", "cgroup", "time"].map((type) => ({ type }));
const MAP = [{ containerID: 0, hostID: 1000, size: 1 }];

/** A config with a namespace of every type. */
function isolated(properties: object, linux: object = {}): Record<string, unknown> {
  return configWith({ ...properties, linux: { namespaces: ALL, uidMappings: MAP, gidMappings: MAP, ...linux } });
}

function mount(properties: object): Record<string, unknown> {
  return configWith({ mounts: [{ destination: "/a", type: "tmpfs", ...properties }] });
}

const tables: Record<string, Case[]> = {
  version: [
    ...["1.0.0", "1.0.2-dev", "1.3.0+dev", "1.99.7", "1.0.0-rc5", "1.2.0-rc.1+x"].map((ociVersion) => ({
      name: `takes ${ociVersion}`,
      config: configWith({ ociVersion }),
    })),
    ...["2.0.0", "0.6.0", "1.0", "v1.0.0", "", 1, null].map((ociVersion) => ({
      name: `refuses ${JSON.stringify(ociVersion)}`,
      config: configWith({ ociVersion }),
      faults: ["/ociVersion: must be a semantic version with major 1"],
    })),
  ],
  root: [
    { name: "wants root", config: configWith({ root: undefined }), faults: ["/root: must be an object"] },
    {
      name: "refuses an empty path",
      config: configWith({ root: { path: "" } }),
      faults: ["/root/path: must be a path"],
    },
    {
      name: "refuses a newline",
      config: configWith({ root: { path: "a\nb" } }),
      faults: ["/root/path: must be a path"],
    },
    {
      name: "wants a boolean",
      config: configWith({ root: { path: "a", readonly: "yes" } }),
      faults: ["/root/readonly: must be true or false"],
    },
  ],
  mounts: [
    { name: "takes a relative destination", config: mount({ destination: "a" }) },
    ...["/", "//", "/.", "/a/..", "/..", "."].map((destination) => ({
      name: `refuses to mount over the root: ${destination}`,
      config: mount({ destination }),
      faults: ["/mounts/0/destination: must be below /"],
    })),
    { name: "takes a name that ends in dots", config: mount({ destination: "/..." }) },
    {
      name: "wants a destination",
      config: configWith({ mounts: [{}] }),
      faults: ["/mounts/0/destination: must be a path"],
    },
    {
      name: "wants a source for bind",
      config: mount({ options: ["bind"] }),
      faults: ["/mounts/0/source: must be a path, since"],
    },
    {
      name: "wants a source for rbind",
      config: mount({ options: ["ro", "rbind"], source: "" }),
      faults: ["/mounts/0/source: must be a path, since"],
    },
    {
      name: "wants a source for the type bind",
      config: mount({ type: "bind" }),
      faults: ["/mounts/0/source: must be a path, since"],
    },
    {
      name: "refuses a newline in an option",
      config: mount({ options: ["a\nb"] }),
      faults: ["/mounts/0/options/0: must be a string without NUL or newline"],
    },
    {
      name: "takes an idmapped bind mount",
      config: mount({ options: ["bind"], source: "s", uidMappings: MAP, gidMappings: MAP }),
    },
    {
      name: "refuses mappings on another mount",
      config: mount({ uidMappings: MAP, gidMappings: MAP }),
      faults: [
        "/mounts/0/uidMappings: must be absent unless the mount is a bind",
        "/mounts/0/gidMappings: must be absent unless",
      ],
    },
    { name: "takes empty mappings", config: mount({ uidMappings: [], gidMappings: [] }) },
    {
      name: "takes idmap with mappings",
      config: mount({ options: ["bind", "idmap"], source: "s", uidMappings: MAP, gidMappings: MAP }),
    },
    {
      name: "wants both mappings",
      config: mount({ options: ["bind"], source: "s", uidMappings: MAP }),
      faults: ["/mounts/0/gidMappings: must be set together with uidMappings"],
    },
    {
      name: "wants mappings for ridmap without a user namespace",
      config: mount({ options: ["rbind", "ridmap"], source: "s" }),
      faults: ['/mounts/0/options: "idmap" must come with'],
    },
    {
      name: "wants a bind mount for idmap",
      config: isolated({ mounts: [{ destination: "/a", type: "tmpfs", options: ["idmap"] }] }),
      faults: ['/mounts/0/options: "idmap" and "ridmap" must come with "bind"'],
    },
    {
      name: "takes idmap with a user namespace",
      config: isolated({ mounts: [{ destination: "/a", source: "s", options: ["bind", "idmap"] }] }),
    },
    {
      name: "refuses a mapping beyond the last id",
      config: mount({
        options: ["bind"],
        source: "s",
        gidMappings: MAP,
        uidMappings: [{ containerID: 5, hostID: 0, size: 4294967295 }],
      }),
      faults: ["/mounts/0/uidMappings/0/size: must be at most 4294967290"],
    },
  ],
  hooks: [
    {
      name: "takes a hook",
      config: configWith({
        hooks: { poststop: [{ path: "/bin/true", args: ["true", "a\nb"], env: ["A=1"], timeout: 1 }] },
      }),
    },
    {
      name: "wants an absolute path",
      config: configWith({ hooks: { prestart: [{ path: "true" }] } }),
      faults: ["/hooks/prestart/0/path: must be an absolute path"],
    },
    {
      name: "wants a path",
      config: configWith({ hooks: { createRuntime: [{}] } }),
      faults: ["/hooks/createRuntime/0/path: must be an absolute path"],
    },
    {
      name: "refuses a timeout of 0",
      config: configWith({ hooks: { startContainer: [{ path: "/a", timeout: 0 }] } }),
      faults: ["/hooks/startContainer/0/timeout: must be a whole number of seconds"],
    },
  ],
  annotations: [
    { name: "takes any string", config: configWith({ annotations: { a: "", b: "c\nd" } }) },
    {
      name: "refuses an empty name",
      config: configWith({ annotations: { "": "x" } }),
      faults: ["/annotations/: must have a name"],
    },
    {
      name: "refuses a number",
      config: configWith({ annotations: { a: 1 } }),
      faults: ["/annotations/a: must be a string"],
    },
  ],
  namespaces: [
    { name: "takes one of each", config: isolated({ hostname: "h", domainname: "d" }) },
    {
      name: "refuses a type listed twice",
      config: configWith({ linux: { namespaces: [{ type: "pid" }, { type: "pid", path: "/proc/1/ns/pid" }] } }),
      faults: ["/linux/namespaces/1/type: must not be listed twice"],
    },
    {
      name: "names the types there are",
      config: configWith({ linux: { namespaces: [{ type: "net" }] } }),
      faults: ['/linux/namespaces/0/type: must be one of "pid", "network"'],
    },
    {
      name: "refuses a relative path",
      config: configWith({ linux: { namespaces: [{ type: "ipc", path: "ns" }] } }),
      faults: ["/linux/namespaces/0/path: must be an absolute path"],
    },
    {
      name: "takes a hostname in a joined namespace",
      config: configWith({ hostname: "h", linux: { namespaces: [{ type: "uts", path: "/proc/1/ns/uts" }] } }),
    },
    {
      name: "refuses a hostname without one",
      config: configWith({ hostname: "h" }),
      faults: ['/hostname: must be absent unless linux.namespaces has an entry of type "uts"'],
    },
    {
      name: "refuses a domainname without one",
      config: configWith({ domainname: "h", linux: {} }),
      faults: ["/domainname: must be absent unless"],
    },
    {
      name: "refuses a newline in the hostname",
      config: isolated({ hostname: "a\nb" }),
      faults: ["/hostname: must be a string without NUL or newline"],
    },
    {
      name: "refuses masked paths without a mount namespace",
      config: configWith({ linux: { maskedPaths: ["/a"], readonlyPaths: ["/b"] } }),
      faults: ["/linux/maskedPaths: must be absent unless", "/linux/readonlyPaths: must be absent unless"],
    },
    {
      name: "takes empty lists without one",
      config: configWith({ linux: { maskedPaths: [], readonlyPaths: [], netDevices: {} } }),
    },
    {
      name: "wants absolute masked paths",
      config: isolated({}, { maskedPaths: ["proc"] }),
      faults: ["/linux/maskedPaths/0: must be an absolute path"],
    },
    {
      name: "wants absolute read-only paths",
      config: isolated({}, { readonlyPaths: ["proc"] }),
      faults: ["/linux/readonlyPaths/0: must be an absolute path"],
    },
    { name: "takes a propagation", config: isolated({}, { rootfsPropagation: "rshared" }) },
    {
      name: "refuses an unknown propagation",
      config: isolated({}, { rootfsPropagation: "public" }),
      faults: ['/linux/rootfsPropagation: must be one of "shared"'],
    },
    {
      name: "refuses a propagation without a mount namespace",
      config: configWith({ linux: { rootfsPropagation: "slave" } }),
      faults: ["/linux/rootfsPropagation: must be absent unless"],
    },
    {
      name: "takes time offsets",
      config: isolated({}, { timeOffsets: { boottime: { secs: -1, nanosecs: 999999999 } } }),
    },
    {
      name: "refuses time offsets in a joined namespace",
      config: configWith({
        linux: { namespaces: [{ type: "time", path: "/a" }], timeOffsets: { monotonic: { secs: 1 } } },
      }),
      faults: ["/linux/timeOffsets: must be absent unless"],
    },
    {
      name: "refuses a second of nanoseconds",
      config: isolated({}, { timeOffsets: { monotonic: { nanosecs: 1e9 } } }),
      faults: ["/linux/timeOffsets/monotonic/nanosecs: must be an integer"],
    },
  ],
  "user namespace": [
    {
      name: "wants mappings for a new one",
      config: configWith({ linux: { namespaces: [{ type: "user" }], uidMappings: [] } }),
      faults: [
        "/linux/uidMappings: must have at least one mapping",
        "/linux/gidMappings: must have at least one mapping",
      ],
    },
    {
      name: "refuses mappings without one",
      config: configWith({ linux: { uidMappings: MAP, gidMappings: MAP } }),
      faults: ["/linux/uidMappings: must be absent unless", "/linux/gidMappings: must be absent unless"],
    },
    {
      name: "takes a joined one without mappings",
      config: configWith({ linux: { namespaces: [{ type: "user", path: "/a" }] } }),
    },
    {
      name: "takes a joined one with mappings, as runc does",
      config: configWith({ linux: { namespaces: [{ type: "user", path: "/a" }], uidMappings: MAP, gidMappings: MAP } }),
    },
    { name: "takes all ids", config: isolated({}, { uidMappings: [{ containerID: 0, hostID: 0, size: 4294967295 }] }) },
    {
      name: "refuses an empty mapping",
      config: isolated({}, { uidMappings: [{ containerID: 0, hostID: 0, size: 0 }] }),
      faults: ["/linux/uidMappings/0/size: must be an integer from 1"],
    },
    {
      name: "refuses ids beyond the last",
      config: isolated({}, { gidMappings: [{ containerID: 0, hostID: 10, size: 4294967295 }] }),
      faults: ["/linux/gidMappings/0/size: must be at most 4294967285"],
    },
    {
      name: "refuses more mappings than the kernel takes",
      config: isolated(
        {},
        { uidMappings: Array.from({ length: 341 }, (_, i) => ({ containerID: i, hostID: i, size: 1 })) },
      ),
      faults: ["/linux/uidMappings: must not have more than 340"],
    },
  ],
  sysctl: [
    ...[
      "net.ipv4.ip_forward",
      "net/ipv4/conf/eno2.100/rp_filter",
      "net.ipv4.conf.eno2/100.rp_filter",
      "kernel.shmmax",
      "kernel/msgmax",
      "fs.mqueue.msg_max",
      "kernel.domainname",
      "user.max_user_namespaces",
    ].map((key) => ({
      name: `takes ${key}`,
      config: isolated({}, { sysctl: { [key]: "1" } }),
    })),
    ...[
      "kernel.core_pattern",
      "fs.file-max",
      "fs.mqueue",
      "vm.swappiness",
      "kernel.shmmax.x",
      "net",
      "kernelXshmmax",
    ].map((key) => ({
      name: `refuses ${key}`,
      config: isolated({}, { sysctl: { [key]: "1" } }),
      faults: [`/linux/sysctl/${key}: must be a key that belongs to a namespace`],
    })),
    ...["", "net..ipv4", "net.", "net/../../etc/passwd", "net.//.x", "net.a\nb", "net.a\0"].map((key) => ({
      name: `refuses ${JSON.stringify(key)}`,
      config: isolated({}, { sysctl: { [key]: "1" } }),
      faults: [`/linux/sysctl/${key.replaceAll("/", "~1")}: must be a key such as`],
    })),
    {
      name: "refuses kernel.hostname",
      config: isolated({}, { sysctl: { "kernel.hostname": "h" } }),
      faults: ["/linux/sysctl/kernel.hostname: must be set by the hostname property"],
    },
    {
      name: "refuses a newline in a value",
      config: isolated({}, { sysctl: { "net.a": "1\n2" } }),
      faults: ["/linux/sysctl/net.a: must be a string without NUL or newline"],
    },
    ...Object.entries({
      "net.a": "network",
      "kernel.sem": "ipc",
      "fs.mqueue.msg_max": "ipc",
      "kernel.domainname": "uts",
      "user.a": "user",
    }).map(([key, type]) => ({
      name: `refuses ${key} without its namespace`,
      config: configWith({ linux: { sysctl: { [key]: "1" } } }),
      faults: [`/linux/sysctl/${key}: must be absent unless linux.namespaces has an entry of type "${type}"`],
    })),
    {
      name: "takes net.* in a joined namespace",
      config: configWith({ linux: { namespaces: [{ type: "network", path: "/a" }], sysctl: { "net.a": "1" } } }),
    },
  ],
};

for (const [subject, cases] of Object.entries(tables)) {
  describe(`rules of ${subject}`, () => {
    for (const c of cases) {
      it(c.name, () => {
        expect(matched(faultsOf(c.config), c.faults ?? [])).to.deep.equal(c.faults ?? []);
      });
    }
  });
}
