import { expect } from "chai";
import { refusal } from "../../testing/metadata.ts";
import { changeConfig } from "./bundle-config.ts";
import { findPortInUse } from "./host-ports.ts";
import { parseNetworkLabels } from "./labels.ts";
import { hosts, type NameFacts, resolvConf } from "./name-files.ts";
import { parseNetwork } from "./network-list.ts";
import { clashes, parsePorts } from "./ports.ts";
import { parseResult } from "./result.ts";

describe("parsePorts()", () => {
  const short = (text: string) =>
    parsePorts(text).map(({ hostIP, hostPort, containerPort, protocol }) => [
      hostIP,
      hostPort,
      containerPort,
      protocol,
    ]);

  it("takes what docker takes", () => {
    expect(short("8080:80")).to.deep.equal([["", 8080, 80, "tcp"]]);
    expect(short("127.0.0.1:53:53/udp, [::1]:1:2/sctp")).to.deep.equal([
      ["127.0.0.1", 53, 53, "udp"],
      ["::1", 1, 2, "sctp"],
    ]);
    expect(short("0.0.0.0:8000-8001:80-81")).to.deep.equal([
      ["", 8000, 80, "tcp"],
      ["", 8001, 81, "tcp"],
    ]);
  });

  for (const [text, why] of [
    ["80", /must be like/],
    ["", /must be like/],
    ["0:80", /ports are from 1 to 65535/],
    ["80:65536", /ports are from 1 to 65535/],
    ["9-8:9-8", /ends before it begins/],
    ["1-2:1-3", /as many ports/],
    ["1-65535:1-65535", /at most 1024/],
    ["1.2.3:1:1", /"1\.2\.3" is no IP address/],
    ["1:1/icmp", /icmp is no protocol/],
    ["1:1,127.0.0.1:1:2", /127\.0\.0\.1:1\/tcp is there twice/],
    ["1:1:1:1", /must be like/],
  ] as const) {
    it(`refuses ${JSON.stringify(text)}`, async () => {
      expect(await refusal(() => parsePorts(text))).to.match(why);
    });
  }

  it("knows which ports stand in each other's way", () => {
    const [any, one, other, udp] = parsePorts("1:1").concat(parsePorts("10.0.0.1:1:1,10.0.0.2:1:1,1:1/udp"));
    expect(any && one && clashes(any, one)).to.equal(true);
    expect(one && other && clashes(one, other)).to.equal(false);
    expect(any && udp && clashes(any, udp)).to.equal(false);
  });
});

describe("findPortInUse()", () => {
  const tables: Readonly<Record<string, string>> = {
    tcp: "  sl\n 0: 0100007F:1F90 00000000:0000 0A 0\n 1: 0100007F:1F91 0100007F:0016 01 0",
    tcp6: " 0: 000080FE00000000FF00000001000000:1F92 0:0 0A",
    udp: " 0: 00000000:0035 00000000:0000 07 0",
  };
  for (const [text, found] of [
    ["8080:1", 8080],
    ["127.0.0.1:8080:1", 8080],
    ["10.0.0.1:8080:1", undefined],
    ["8081:1", undefined],
    ["10.0.0.1:53:53/udp", 53],
    ["53:53", undefined],
    ["[fe80::ff:0:1]:8082:1", 8082],
    ["[fe80::ff:0:0:1]:8082:1", undefined],
    ["[fe80:0:0:0:0:ff:0:1]:8082:1", 8082],
    ["[::1]:8082:1", undefined],
  ] as const) {
    it(`${text}: ${found ?? "free"}`, () => {
      expect(findPortInUse(parsePorts(text), (name) => tables[name] ?? "")?.hostPort).to.equal(found);
    });
  }

  it("finds an address of IPv6", () => {
    const table = " 0: 000080FE000000000000000001000000:1F92 0:0 0A";
    const used = (text: string) => findPortInUse(parsePorts(text), (name) => (name === "tcp6" ? table : ""))?.hostPort;
    expect(used("[fe80::1]:8082:1")).to.equal(8082);
    expect(used("[fe80::0.0.0.1]:8082:1")).to.equal(8082);
    expect(used("[fe80::2]:8082:1")).to.equal(undefined);
  });
});

describe("parseNetworkLabels()", () => {
  const parse = (labels: Readonly<Record<string, string>>) =>
    parseNetworkLabels(new Map(Object.entries(labels).map(([name, value]) => [`tsrun.dev/${name}`, value])));

  it("asks for nothing, one, several, host and none", () => {
    expect(parse({})).to.equal(undefined);
    expect(parse({ network: "a, b" })).to.deep.include({ mode: "networks", names: ["a", "b"] });
    expect(parse({ network: "host" })).to.deep.include({ mode: "host", names: [] });
    const { naming } =
      parse({
        network: "a",
        dns: "1.1.1.1,::1",
        "dns-search": "b.c",
        "dns-option": "ndots:2,rotate",
        hosts: "db:10.0.0.7,v:[::2]",
      }) ?? {};
    expect(naming).to.deep.equal({
      ...{ servers: ["1.1.1.1", "::1"], search: ["b.c"], options: ["ndots:2", "rotate"] },
      hosts: [
        { name: "db", address: "10.0.0.7" },
        { name: "v", address: "::2" },
      ],
    });
  });

  for (const [labels, why] of [
    [{ ports: "1:1" }, /needs the label tsrun\.dev\/network$/],
    [{ network: "" }, /must be host, none, or names of networks$/],
    [{ network: "../x" }, /must be host, none/],
    [{ network: "a,a" }, /a network is there twice$/],
    [{ network: "a,host" }, /host stands alone$/],
    [{ network: "none", ports: "1:1" }, /network none publishes no ports/],
    [{ network: "a,b,c,d,e,f,g,h,i" }, /at most 8/],
    [{ network: "a", dns: "dns.example" }, /must be IP addresses$/],
    [{ network: "a", "dns-search": "a b" }, /must be domains$/],
    [{ network: "a", hosts: "db=1.2.3.4" }, /must be like db:10\.0\.0\.7$/],
    [{ network: "a", hosts: "x\n1.2.3.4 evil:1.2.3.4" }, /must be like/],
  ] as const) {
    it(`refuses ${JSON.stringify(labels)}`, async () => {
      expect(await refusal(() => parse(labels))).to.match(why);
    });
  }
});

describe("parseNetwork()", () => {
  it("takes lists and single plugins", () => {
    const plugin = { type: "bridge", bridge: "b0" };
    const list = { cniVersion: "0.4.0", name: "n", plugins: [plugin] };
    expect(parseNetwork(JSON.stringify(list), "f")).to.deep.equal(list);
    const single = { cniVersion: "0.3.1", name: "n", ...plugin };
    expect(parseNetwork(JSON.stringify(single), "f").plugins).to.deep.equal([single]);
  });

  for (const [text, why] of [
    ["", /^invalid_argument: cannot understand f/],
    ["[]", /f: must be an object$/],
    ['{"name":"n"}', /f: \/cniVersion: missing: must be one of 0\.3\.0/],
    ['{"cniVersion":"0.2.0"}', /\/cniVersion: "0\.2\.0": must be/],
    ['{"cniVersion":"1.0.0","name":"a/b"}', /\/name: "a\/b": must be letters/],
    ['{"cniVersion":"1.0.0","name":"n","plugins":[]}', /\/plugins: \[\]: must be a list/],
    ['{"cniVersion":"1.0.0","name":"n","plugins":[1]}', /\/plugins\/0: 1: must be an object/],
    [
      '{"cniVersion":"1.0.0","name":"n","plugins":[{"type":"../sh"}]}',
      /\/plugins\/0\/type: "\.\.\/sh": must be a plugin/,
    ],
    [
      '{"cniVersion":"1.0.0","name":"n","plugins":[{"type":"a","capabilities":1}]}',
      /capabilities: 1: must be an object/,
    ],
  ] as const) {
    it(`refuses ${text}`, async () => {
      expect(await refusal(() => parseNetwork(text, "f"))).to.match(why);
    });
  }
});

describe("parseResult()", () => {
  it("takes what it understands, whatever else there is", () => {
    const ips = [{ address: "10.0.0.2/24" }, { address: "fd00::2/64" }, { address: "x" }, null];
    const dns = { nameservers: ["10.0.0.1", "evil\nnameserver 6.6.6.6"], domain: "d", options: ["ndots:2", "a b"] };
    expect(parseResult({ ips, dns })).to.deep.equal({
      ...{ addresses: ["10.0.0.2", "fd00::2"], servers: ["10.0.0.1"], search: ["d"], options: ["ndots:2"] },
    });
    for (const nothing of [undefined, null, 7, { ips: 1, dns: [] }]) {
      expect(parseResult(nothing)).to.deep.equal({ addresses: [], servers: [], search: [], options: [] });
    }
  });
});

describe("files of names", () => {
  const facts: NameFacts = {
    ...{ hostname: "web", naming: { servers: [], search: [], options: [], hosts: [] }, isHost: false, servers: [] },
    results: [{ addresses: ["10.0.0.2"], servers: [], search: [], options: [] }],
  };
  const read = (files: Readonly<Record<string, string>>) => (path: string) => files[path] ?? "";

  it("prefers labels, then networks, then the configuration, then the host", () => {
    const host = read({ "/etc/resolv.conf": "# x\nnameserver 10.0.0.53\nsearch h.example\noptions ndots:3\n" });
    const told = [{ addresses: [], servers: ["10.0.0.1"], search: ["n.example"], options: [] }];
    const naming = { servers: ["9.9.9.9"], search: [], options: ["ndots:2"], hosts: [] };
    const first = (fields: Partial<NameFacts>) => resolvConf({ ...facts, ...fields }, host).split("\n")[0];
    expect(first({ naming, results: told, servers: ["8.8.4.4"] })).to.equal("nameserver 9.9.9.9");
    expect(first({ results: told, servers: ["8.8.4.4"] })).to.equal("nameserver 10.0.0.1");
    expect(first({ servers: ["8.8.4.4"] })).to.equal("nameserver 8.8.4.4");
    expect(resolvConf(facts, host)).to.equal("nameserver 10.0.0.53\nsearch h.example\noptions ndots:3\n");
  });

  it("asks those whom the host's own resolver asks, which a container cannot reach", () => {
    const host = { "/etc/resolv.conf": "nameserver 127.0.0.53\n" };
    const upstream = { ...host, "/run/systemd/resolve/resolv.conf": "nameserver 10.1.1.1\n" };
    expect(resolvConf(facts, read(upstream))).to.equal("nameserver 10.1.1.1\n");
    expect(resolvConf(facts, read(host))).to.equal("");
    expect(resolvConf({ ...facts, isHost: true }, read(host))).to.equal("nameserver 127.0.0.53\n");
  });

  it("gives the container's name its address", () => {
    const text = hosts(
      { ...facts, naming: { ...facts.naming, hosts: [{ name: "db", address: "10.0.0.7" }] } },
      read({}),
    );
    expect(text.split("\n").slice(2)).to.deep.equal(["10.0.0.2\tweb", "10.0.0.7\tdb", ""]);
    expect(hosts({ ...facts, isHost: true }, read({ "/etc/hosts": "127.0.0.1 h\n" }))).to.equal("127.0.0.1 h\n");
  });
});

describe("changeConfig()", () => {
  const encode = (value: unknown) => new TextEncoder().encode(JSON.stringify(value));
  const change = (config: unknown) =>
    JSON.parse(
      new TextDecoder().decode(
        changeConfig(encode(config), {
          namespace: { kind: "path", path: "/n" },
          files: [{ source: "/s", destination: "/etc/hosts" }],
        }),
      ),
    );

  it("changes only what it has to", () => {
    expect(change({ a: 1, linux: { b: 2 } })).to.deep.include({
      a: 1,
      linux: { b: 2, namespaces: [{ type: "network", path: "/n" }] },
    });
    const mounts = [{ destination: "/etc/hosts", type: "bind", source: "/mine" }];
    expect(change({ mounts }).mounts).to.deep.equal(mounts);
  });

  for (const [config, why] of [
    [
      { linux: { namespaces: [{ type: "network", path: "/x" }] } },
      /\/linux\/namespaces\/0\/path: names a network already/,
    ],
    [{ linux: 1 }, /\/linux: must be an object/],
    [{ mounts: 1 }, /\/mounts: must be a list/],
    [{ linux: { namespaces: {} } }, /\/linux\/namespaces: must be a list/],
    [[], /config\.json: \/: must be an object/],
  ] as const) {
    it(`refuses ${JSON.stringify(config)}`, async () => {
      expect(await refusal(() => change(config))).to.match(why);
    });
  }
});
