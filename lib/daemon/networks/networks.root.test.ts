import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { expect } from "chai";
import { ContainerError, explain } from "../../errors.ts";
import { openKernel } from "../../linux/kernel.ts";
import { waitUntil } from "../../testing/runtime-poll.ts";
import { TSRUN } from "../../testing/runtime-program.ts";
import { requireRoot } from "../../testing/runtime-site.ts";
import { TemporaryDirectory } from "../../testing/temporary-directory.ts";
import type { Container } from "../metadata/containers.ts";
import { Networks } from "./networks.ts";
import type { Owner } from "./records.ts";
import type { NetworkStatus } from "./status.ts";

/** A plugin that writes down how it was called, and does what files beside it say. */
const PLUGIN = `#!/bin/sh
dir=$(dirname "$0"); type=$(basename "$0")
input=$(cat)
echo "$CNI_COMMAND $type $CNI_IFNAME $CNI_CONTAINERID netns=\${CNI_NETNS:+yes}" >> "$dir/log"
printf '%s' "$input" > "$dir/$type.$CNI_COMMAND.json"
[ -e "$dir/$type.hang" ] && exec sleep 1000
if [ -e "$dir/$type.$CNI_COMMAND.fail" ]; then
  echo '{"cniVersion":"1.0.0","code":11,"msg":"no more addresses","details":"in 10.0.0.0/30"}'; exit 1
fi
if [ -e "$dir/$type.die" ]; then echo "panic: oh" >&2; kill -9 $$; fi
[ "$CNI_COMMAND" = ADD ] || exit 0
if [ "$type" = first ]; then echo '{"cniVersion":"1.0.0","ips":[{"address":"10.9.8.7/24"}],"dns":{"nameservers":["10.9.8.1"]}}'
elif [ "$type" = loopback ]; then echo '{"cniVersion":"1.0.0","ips":[{"address":"127.0.0.1/8"}]}'
else echo '{"cniVersion":"1.0.0","ips":[{"address":"10.9.8.7/24"}],"dns":{"nameservers":["10.9.8.1"]},"by":"second"}'; fi
`;

/** The code of a refusal, and all that it says. */
async function refusal(work: () => Promise<unknown>): Promise<string> {
  const [settled] = await Promise.allSettled([work()]);
  const reason = settled?.status === "rejected" ? settled.reason : undefined;
  return `${reason instanceof ContainerError ? reason.code : "none"}: ${explain(reason)}`;
}

describe("Networks", function () {
  this.timeout(90_000);
  let directory: TemporaryDirectory;
  let networks: Networks;
  const warnings: string[] = [];
  const published: unknown[] = [];
  const publish = (_owner: Owner, status: NetworkStatus | undefined) => published.push(status);
  const kernel = openKernel();

  const open = () =>
    new Networks({
      kernel,
      settings: {
        ...{ configDirectory: directory.at("net.d"), pluginDirectories: [directory.at("bin")], limitMs: 20_000 },
        ...{ bridge: { device: "none0", subnet: "10.1.0.0/16" }, servers: [] },
      },
      roots: { root: directory.at("root"), state: directory.at("state") },
      program: TSRUN,
      warn: (message) => warnings.push(message),
      publish,
    });

  const container = (id: string, labels: Readonly<Record<string, string>>, config: object = {}): Container => ({
    ...{ id, image: "", runtime: { name: "x" }, snapshotter: "", snapshotKey: "", sandbox: "", createdNs: 0n },
    ...{ updatedNs: 0n, extensions: new Map(), labels: new Map(Object.entries(labels)) },
    spec: { typeUrl: "", value: new TextEncoder().encode(JSON.stringify({ hostname: "web", ...config })) },
  });
  const LABELS = { "tsrun.dev/network": "one", "tsrun.dev/ports": "61999:80" };
  const attach = async (id: string, labels: Readonly<Record<string, string>> = LABELS, config: object = {}) =>
    JSON.parse(new TextDecoder().decode(await networks.attach("default", container(id, labels, config))));
  const log = () =>
    existsSync(directory.at("bin/log")) ? readFileSync(directory.at("bin/log"), "utf8").trim().split("\n") : [];
  const inputOf = (name: string) => JSON.parse(readFileSync(directory.at("bin", name), "utf8"));
  const mountsBelow = () => readFileSync("/proc/self/mounts", "utf8").split(directory.path).length - 1;
  const expectNothingLeft = () => {
    expect(mountsBelow()).to.equal(0);
    for (const path of ["root/networks/default", "state/networks/containers/default"]) {
      expect(existsSync(directory.at(path)) ? readdirSync(directory.at(path)) : [], path).to.deep.equal([]);
    }
  };

  beforeEach(function () {
    requireRoot(this);
    warnings.length = 0;
    published.length = 0;
    directory = new TemporaryDirectory();
    for (const name of ["net.d", "bin", "root", "state"]) mkdirSync(directory.at(name));
    for (const type of ["loopback", "first", "second"]) {
      writeFileSync(directory.at("bin", type), PLUGIN);
      chmodSync(directory.at("bin", type), 0o755);
    }
    const plugins = [
      { type: "first", mtu: 1400 },
      { type: "second", capabilities: { portMappings: true } },
    ];
    writeFileSync(directory.at("net.d/one.conflist"), JSON.stringify({ cniVersion: "1.0.0", name: "one", plugins }));
    networks = open();
  });

  afterEach(() => {
    expectNothingLeft();
    directory[Symbol.dispose]();
  });

  it("leaves a config without labels as it is", async () => {
    expect(await attach("c", {})).to.deep.equal({ hostname: "web" });
    expect(log()).to.deep.equal([]);
  });

  it("runs plugins in their order, on what those before have said, and back", async () => {
    const config = await attach("c", LABELS, { linux: { namespaces: [{ type: "pid" }, { type: "network" }] } });
    const path = directory.at("state/networks/containers/default/c/netns");
    expect(config.linux.namespaces).to.deep.equal([{ type: "pid" }, { type: "network", path }]);
    expect(config.mounts.map((each: { destination: string }) => each.destination)).to.deep.equal([
      ...["/etc/resolv.conf", "/etc/hosts", "/etc/hostname"],
    ]);
    expect(readFileSync(config.mounts[0].source, "utf8")).to.match(/^nameserver 10\.9\.8\.1\n/);
    expect(readFileSync(config.mounts[1].source, "utf8")).to.contain("10.9.8.7\tweb\n");
    expect(mountsBelow()).to.equal(1);
    expect(inputOf("first.ADD.json")).to.deep.equal({ type: "first", mtu: 1400, cniVersion: "1.0.0", name: "one" });
    const second = inputOf("second.ADD.json");
    const portMappings = [{ hostPort: 61_999, containerPort: 80, protocol: "tcp", hostIP: "" }];
    expect(second.runtimeConfig).to.deep.equal({ portMappings });
    expect(second.prevResult.ips).to.deep.equal([{ address: "10.9.8.7/24" }]);
    await networks.release({ namespace: "default", id: "c" });
    expect(inputOf("first.DEL.json").prevResult).to.include({ by: "second" });
    const networksNow = [{ name: "one", interface: "eth0", addresses: ["10.9.8.7"] }];
    expect(published).to.deep.equal([{ networks: networksNow, ports: portMappings }, undefined]);
    expect(log()).to.deep.equal([
      "ADD loopback lo default--c netns=yes",
      "ADD first eth0 default--c netns=yes",
      "ADD second eth0 default--c netns=yes",
      "DEL second eth0 default--c netns=yes",
      "DEL first eth0 default--c netns=yes",
      "DEL loopback lo default--c netns=yes",
    ]);
  });

  it("undoes what was made when a plugin fails, and says which one and why", async () => {
    writeFileSync(directory.at("bin/second.ADD.fail"), "");
    expect(await refusal(() => attach("c"))).to.equal(
      "internal: cannot connect container c: network one: plugin second: no more addresses: in 10.0.0.0/30 (code 11)",
    );
    expect(
      log()
        .slice(3)
        .map((line) => line.split(" ").slice(0, 2)),
    ).to.deep.equal([
      ["DEL", "second"],
      ["DEL", "first"],
      ["DEL", "loopback"],
    ]);
  });

  it("says how a plugin ended that says nothing itself", async () => {
    writeFileSync(directory.at("bin/first.die"), "");
    expect(await refusal(() => attach("c"))).to.match(/plugin first: was ended by SIGKILL: panic: oh$/);
    // The plugin dies when it is to remove, too: the record stays, until it does not.
    expect(warnings.join()).to.contain("cannot remove the networks of container c: plugin first");
    expect(readdirSync(directory.at("root/networks/default"))).to.deep.equal(["c.json"]);
    expect(mountsBelow()).to.equal(0);
    writeFileSync(directory.at("bin/first"), PLUGIN.replace(".die", ".never"));
    networks = open();
    await networks.restore(() => false);
  });

  it("ends a plugin that hangs, with all that it has started", async () => {
    writeFileSync(directory.at("bin/first.hang"), "");
    const settings = {
      configDirectory: directory.at("net.d"),
      pluginDirectories: [directory.at("bin")],
      limitMs: 4_000,
    };
    networks = new Networks({
      ...{ kernel, program: TSRUN, publish, warn: (message) => warnings.push(message) },
      settings: { ...settings, bridge: { device: "none0", subnet: "10.1.0.0/16" }, servers: [] },
      roots: { root: directory.at("root"), state: directory.at("state") },
    });
    expect(await refusal(() => attach("c"))).to.match(
      /^deadline_exceeded: .*: plugin first did not end its ADD within 4000 ms$/,
    );
    writeFileSync(directory.at("bin/first"), PLUGIN.replace(".hang", ".never"));
    networks = open();
    await networks.restore(() => false);
  });

  it("gives a port once, and takes it back", async () => {
    await attach("a");
    expect(await refusal(() => attach("b"))).to.equal(
      "failed_precondition: cannot publish port 61999/tcp for b: container a in namespace default has it",
    );
    await networks.release({ namespace: "default", id: "a" });
    await attach("b");
    await networks.release({ namespace: "default", id: "b" });
  });

  it("does not pass over a port that cannot lead to the container", async () => {
    expect(await refusal(() => attach("c", { ...LABELS, "tsrun.dev/ports": "[::1]:61998:80" }))).to.equal(
      "failed_precondition: cannot connect container c: cannot publish port [::1]:61998/tcp: " +
        "the container has no address of IPv6",
    );
  });

  it("does not take a port that a process listens on", async () => {
    const server = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data: () => undefined } });
    try {
      const labels = { ...LABELS, "tsrun.dev/ports": `${server.port}:80` };
      expect(await refusal(() => attach("c", labels))).to.match(/: a process of the host listens on it$/);
    } finally {
      server.stop(true);
    }
  });

  it("refuses what is not there, before it makes anything", async () => {
    expect(await refusal(() => attach("c", { "tsrun.dev/network": "two" }))).to.match(
      /^not_found: there is no network two: must be host, none, bridge, or one that a file in .* describes$/,
    );
    writeFileSync(directory.at("net.d/broken.conf"), "{");
    expect(await refusal(() => attach("c", { "tsrun.dev/network": "two" }))).to.match(
      /cannot understand .*broken\.conf/,
    );
    const alone = { cniVersion: "0.4.0", name: "alone", type: "first" };
    writeFileSync(directory.at("net.d/alone.conf"), JSON.stringify(alone));
    expect(await refusal(() => attach("c", { ...LABELS, "tsrun.dev/network": "alone" }))).to.match(
      /^invalid_argument: cannot publish ports: no plugin of alone has the capability portMappings$/,
    );
    writeFileSync(directory.at("net.d/absent.conf"), JSON.stringify({ ...alone, name: "absent", type: "nowhere" }));
    expect(await refusal(() => attach("c", { "tsrun.dev/network": "absent" }))).to.match(
      /^not_found: plugin nowhere is not in .*: install containernetworking-plugins, or set networks\.plugin_dirs$/,
    );
    expect(log()).to.deep.equal([]);
  });

  it("has no namespace to keep for none and host", async () => {
    const none = await attach("n", { "tsrun.dev/network": "none" });
    expect(none.linux.namespaces).to.deep.equal([{ type: "network" }]);
    const host = await attach("h", { "tsrun.dev/network": "host" }, { linux: { namespaces: [{ type: "network" }] } });
    expect(host.linux.namespaces).to.deep.equal([]);
    expect([mountsBelow(), log()]).to.deep.equal([0, []]);
    for (const id of ["n", "h"]) await networks.release({ namespace: "default", id });
  });

  it("keeps what has a task and removes the rest after a crash, also what a plugin was about to add", async () => {
    await attach("kept");
    writeFileSync(directory.at("root/networks/default/half.json.new"), '{"name');
    writeFileSync(directory.at("bin/first.hang"), "");
    const hanging = attach("lost", { "tsrun.dev/network": "one" });
    hanging.catch(() => undefined);
    await waitUntil("plugin", () => log().includes("ADD first eth0 default--lost netns=yes"));
    writeFileSync(directory.at("bin/first"), PLUGIN.replace(".hang", ".never"));
    const next = open();
    await next.restore((_namespace, id) => id === "kept");
    expect(
      log()
        .filter((line) => line.startsWith("DEL"))
        .map((line) => line.split(" ").slice(1, 4).join(" ")),
    ).to.include("first eth0 default--lost");
    expect(await refusal(() => hanging)).to.match(/plugin first: was ended by SIGKILL/);
    expect(readdirSync(directory.at("root/networks/default"))).to.deep.equal(["kept.json"]);
    networks = next;
    expect(await refusal(() => attach("other"))).to.match(/container kept in namespace default has it$/);
    await networks.release({ namespace: "default", id: "kept" });
  });
});
