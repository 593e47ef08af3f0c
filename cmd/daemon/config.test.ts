import { writeFileSync } from "node:fs";
import { expect } from "chai";
import { refusal } from "../../lib/testing/metadata.ts";
import { TemporaryDirectory } from "../../lib/testing/temporary-directory.ts";
import { parseConfig } from "./config.ts";
import { type DaemonFlags, readSettings } from "./settings.ts";

const FLAGS: DaemonFlags = {
  ...{ address: undefined, root: undefined, state: undefined, config: "/dev/null", logLevel: undefined },
  ...{ logFormat: "text", log: undefined, version: false },
};

describe("parseConfig()", () => {
  it("takes all keys", () => {
    const text = `address = "/a"
root = "/r"
state = "/s"
gid = 7
log_level = "debug"
overlay_options = ["volatile"]
sync_layers = true
[runtimes]
"io.containerd.runc.v2" = "/usr/bin/containerd-shim-runc-v2"
[networks]
config_dir = "/n"
dns = ["10.0.0.1"]`;
    expect(parseConfig(text, "f")).to.deep.equal({
      ...{ address: "/a", root: "/r", state: "/s", gid: 7, logLevel: "debug", overlayOptions: ["volatile"] },
      syncLayers: true,
      runtimes: { "io.containerd.runc.v2": "/usr/bin/containerd-shim-runc-v2" },
      networks: { configDir: "/n", dns: ["10.0.0.1"] },
    });
    expect(parseConfig("", "f")).to.deep.equal({});
  });

  for (const [text, why] of [
    ['adress = "/a"', /^invalid_argument: f: adress: there is no such key: must be one of address, /],
    ["address = 7", /^invalid_argument: f: address: 7: must be a path$/],
    ["gid = -1", /gid: -1: must be a group's number$/],
    ["gid = 1.5", /gid: 1.5: must be/],
    ["overlay_options = [1]", /overlay_options: \[1\]: must be a list of texts$/],
    ["sync_layers = 1", /sync_layers: 1: must be true or false$/],
    ["[runtimes]\na = 1", /runtimes: {"a":1}: must be a table of texts$/],
    ["constructor = 1", /constructor: there is no such key/],
    ["networks = 1", /f: networks: 1: must be a table$/],
    ["[networks]\nsubnets = 1", /f: networks\.subnets: there is no such key: must be one of config_dir, /],
    ['[networks]\nsubnet = "10.0.0.1"', /networks\.subnet: "10\.0\.0\.1": must be a network, like/],
    ['[networks]\nbridge = "../br"', /networks\.bridge: "\.\.\/br": must be a name of at most 15/],
    ['[networks]\nplugin_dirs = ["bin"]', /networks\.plugin_dirs: \["bin"\]: must be a list of absolute paths$/],
    ['[metrics]\naddress = "localhost:1"', /metrics\.address: "localhost:1": must be an IP address and a port/],
    ['[metrics]\naddress = "127.0.0.1:0"', /metrics\.address: .*: must be an IP/],
    ['[metrics]\naddress = "::1:80"', /metrics\.address: .*: must be an IP/],
    ["[metrics]\nremote = 1", /metrics\.remote: 1: must be true or false$/],
    ["[restart]\ninterval_ms = 1.5", /restart\.interval_ms: 1\.5: must be a number of milliseconds$/],
    ["[networks]\ntimeout_ms = 0", /networks\.timeout_ms: 0: must be a number of milliseconds$/],
    ["registry = 1", /registry: 1: must be a table$/],
    ["address = ", /^invalid_argument: f: /],
  ] as const) {
    it(`refuses ${JSON.stringify(text)}`, async () => {
      expect(await refusal(() => parseConfig(text, "f"))).to.match(why);
    });
  }
});

describe("readSettings()", () => {
  it("lets flags outrank the file, and has defaults for the rest", async () => {
    const settings = await readSettings({ ...FLAGS, address: "/x", logLevel: "info" });
    expect(settings).to.deep.include({ address: "/x", root: "/var/lib/tsrund", state: "/run/tsrund", gid: 0 });
    expect(settings.logLevel).to.equal("warn");
    expect(settings.aliases.get("io.containerd.runc.v2")).to.equal("io.containerd.tsrun.v2");
  });

  it("takes how registries are reached", async () => {
    using folder = new TemporaryDirectory();
    const config = folder.at("config.toml");
    writeFileSync(config, '[registry]\nconfig_path = "/c"\ninsecure = ["10.0.0.1:5000"]\nparallel = 8\n');
    const { registry } = await readSettings({ ...FLAGS, config });
    expect(registry).to.deep.include({ hostsDirectory: "/c", insecure: ["10.0.0.1:5000"], parallel: 8 });
    expect(registry.dockerConfig).to.equal("/root/.docker/config.json");
  });

  for (const [text, why] of [
    ['mirror = "x"', /registry.mirror: there is no such key: must be one of config_path, /],
    ['config_path = "x"', /registry.config_path: "x": must be an absolute path$/],
    ['insecure = ["http://x/"]', /registry.insecure: .*: must be a list of hosts/],
    ["parallel = 0", /registry.parallel: 0: must be 1 to 64$/],
  ] as const) {
    it(`refuses ${text} of a registry`, async () => {
      using folder = new TemporaryDirectory();
      const config = folder.at("config.toml");
      writeFileSync(config, `[registry]\n${text}\n`);
      expect(await refusal(() => readSettings({ ...FLAGS, config }))).to.match(why);
    });
  }

  it("serves metrics to others only when it is told to", async () => {
    using directory = new TemporaryDirectory();
    const config = directory.at("c.toml");
    const read = async (text: string) => {
      writeFileSync(config, `[metrics]\n${text}`);
      return (await readSettings({ ...FLAGS, config })).metrics;
    };
    expect((await readSettings(FLAGS)).metrics).to.equal(undefined);
    expect(await read('address = "[::1]:1338"')).to.deep.equal({ hostname: "::1", port: 1338, histogram: false });
    expect(await refusal(() => read('address = "0.0.0.0:1338"'))).to.match(
      /set metrics\.remote = true if it is to be$/,
    );
    expect(await read('address = "0.0.0.0:1338"\nremote = true\ngrpc_histogram = true')).to.deep.equal({
      ...{ hostname: "0.0.0.0", port: 1338, histogram: true },
    });
  });

  it("refuses", async () => {
    expect(await refusal(() => readSettings({ ...FLAGS, root: "r" }))).to.match(
      /: cannot use root r: must be an absolute/,
    );
    expect(await refusal(() => readSettings({ ...FLAGS, logLevel: "loud" }))).to.match(/must be warn or debug$/);
    expect(await refusal(() => readSettings({ ...FLAGS, config: "/nowhere" }))).to.match(/cannot read \/nowhere$/);
  });
});
