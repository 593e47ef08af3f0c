import { mkdirSync, writeFileSync } from "node:fs";
import { expect } from "chai";
import { TemporaryDirectory } from "../testing/temporary-directory.ts";
import { isLoopback, ownHost } from "./hosts.ts";
import { findHosts, parseHosts } from "./hosts-file.ts";

const parse = (text: string) => parseHosts(text, "/etc/hosts.toml", "example.com");

describe("parseHosts()", () => {
  it("tries mirrors in their order, and the registry itself last", () => {
    const hosts = parse(`
server = "https://origin.example.com"
[host."http://mirror.local:5000"]
  capabilities = ["pull", "resolve"]
  [host."http://mirror.local:5000".header]
    x-a = "1"
    x-b = ["2", "3"]
[host."https://other.local/prefix/v2"]
[host."https://third.local/registry"]
  override_path = true
`);
    expect(hosts.map(({ base }) => base.href)).to.deep.equal([
      ...["http://mirror.local:5000/v2/", "https://other.local/prefix/v2/"],
      ...["https://third.local/registry/", "https://origin.example.com/v2/"],
    ]);
    expect([...(hosts[0]?.capabilities ?? [])]).to.deep.equal(["pull", "resolve"]);
    expect(hosts[0]?.headers).to.deep.equal({ "x-a": "1", "x-b": "2, 3" });
  });

  it("means the registry itself when no server is named", () => {
    expect(parse("").map(({ base }) => base.href)).to.deep.equal(["https://example.com/v2/"]);
    const [own] = parse("skip_verify = true");
    expect(own?.tls).to.deep.equal({ skipVerify: true });
    expect(own?.base.href).to.equal("https://example.com/v2/");
    const hrefOf = (text: string) => parseHosts(text, "f", "localhost:5000").map(({ base }) => base.href);
    expect(hrefOf("")).to.deep.equal(["http://localhost:5000/v2/"]);
    expect(hrefOf("skip_verify = true")).to.deep.equal(["https://localhost:5000/v2/"]);
  });

  it("reads certificates beside the file", () => {
    using folder = new TemporaryDirectory();
    for (const name of ["ca.pem", "cert.pem", "key.pem"]) writeFileSync(folder.at(name), name);
    const text = 'ca = "ca.pem"\nclient = [["cert.pem", "key.pem"]]';
    const [own] = parseHosts(text, folder.at("hosts.toml"), "example.com");
    expect(own?.tls).to.deep.equal({ ca: ["ca.pem"], certificate: "cert.pem", key: "key.pem" });
  });

  for (const [what, text, why] of [
    ["no TOML", "server = ", /^\/etc\/hosts.toml: /],
    ["a key that is not known", "serv = 1", /serv: there is no such key/],
    ["one in a host", '[host."https://x"]\nskip = true', /host."https:\/\/x".skip: there is no such key/],
    ["an address that is none", 'server = "ftp://x"', /server: must be an address|ftp/],
    ["a capability", '[host."https://x"]\ncapabilities = ["fly"]', /capabilities: must be of pull, resolve and push/],
    ["a certificate that is missing", 'ca = "/nowhere/ca.pem"', /hosts.toml: ca: .*(?:ENOENT|no such file)/i],
    ["no flag", 'skip_verify = "yes"', /hosts.toml: skip_verify: must be true or false/],
  ] as const) {
    it(`refuses ${what}`, () => expect(() => parse(text)).to.throw(why));
  }
});

describe("findHosts()", () => {
  it("looks for the registry's own file, and for that of all", () => {
    using folder = new TemporaryDirectory();
    expect(findHosts(folder.path, "h:5000")).to.equal(undefined);
    const put = (name: string, server: string) => {
      mkdirSync(folder.at(name));
      writeFileSync(folder.at(name, "hosts.toml"), `server = "${server}"`);
    };
    put("_default", "https://default");
    expect(findHosts(folder.path, "h:5000")?.[0]?.base.host).to.equal("default");
    put("h_5000_", "https://escaped");
    expect(findHosts(folder.path, "h:5000")?.[0]?.base.host).to.equal("escaped");
    put("h:5000", "https://plain");
    expect(findHosts(folder.path, "h:5000")?.[0]?.base.host).to.equal("plain");
  });
});

describe("ownHost()", () => {
  for (const [registry, expected] of [
    ["docker.io", "https://registry-1.docker.io/v2/"],
    ["localhost:5000", "http://localhost:5000/v2/"],
    ["127.1.2.3", "http://127.1.2.3/v2/"],
    ["[::1]:5000", "http://[::1]:5000/v2/"],
    ["127.0.0.1.example.com", "https://127.0.0.1.example.com/v2/"],
    ["10.0.0.1:5000", "https://10.0.0.1:5000/v2/"],
  ] as const) {
    it(`is ${expected} for ${registry}`, () => expect(ownHost(registry).base.href).to.equal(expected));
  }

  it("is what somebody asks for", () => {
    expect(ownHost("localhost:5000", "https").base.protocol).to.equal("https:");
    expect(ownHost("10.0.0.1", "http").base.protocol).to.equal("http:");
    expect(isLoopback("localhost.example.com")).to.equal(false);
  });
});
