/**
 * networks: what labels of containers ask tsrund for, made by Debian's plugins of CNI: containers that talk to each other,
 * published ports, files of names, and nothing left over, whatever was killed.
 *
 *   bun conformance/networks/main.ts [--only TEXT] [--program PATH]
 *
 * Needs root, containernetworking-plugins, iproute2, iptables, ctr, busybox (static) and a kernel that makes bridges. All of
 * it happens in a network namespace of its own: the machine's devices and rules stay as they are.
 */
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { makeImage } from "../containerd/image.ts";
import { HostNetwork } from "../harness/host-network.ts";
import { readOptions } from "../harness/options.ts";
import { runSuite } from "../harness/suite.ts";
import type { Tally } from "../harness/tally.ts";
import type { Workspace } from "../harness/workspace.ts";
import { Tsrund } from "../supervisor/tsrund.ts";
import { CHECKS } from "./checks.ts";
import { Site } from "./site.ts";

const NEEDED = ["ctr", "ip", "iptables", "nsenter", "busybox", "tar"];
const PLUGINS = ["/opt/cni/bin", "/usr/lib/cni"];

/** Writes down that it was reached, and waits as long as it is to. */
const HOLDING_PLUGIN = `#!/bin/sh
cat > "$(dirname "$0")/input"
if [ "$CNI_COMMAND" = ADD ] && [ -e FOLDER/hook-hold ]; then
  : > FOLDER/hook-held
  while [ -e FOLDER/hook-hold ]; do sleep 0.05; done
fi
sed -n 's/.*"prevResult":\\(.*\\)}$/\\1/p' "$(dirname "$0")/input"
`;

/** Describes networks in the folder of a daemon. Gives the path of its configuration. */
function writeNetworks(folder: string): string {
  for (const name of ["net.d", "bin"]) mkdirSync(join(folder, name), { recursive: true });
  const local = (subnet: string) => ({ type: "host-local", ranges: [[{ subnet }]], dataDir: join(folder, "leases") });
  const bridge = (device: string, subnet: string) => ({
    type: "bridge",
    bridge: device,
    isGateway: true,
    ipam: local(subnet),
  });
  const ports = { type: "portmap", capabilities: { portMappings: true } };
  const networks = [
    { cniVersion: "0.4.0", name: "old", plugins: [bridge("old0", "10.78.0.0/24")] },
    { cniVersion: "0.3.1", name: "older", ...bridge("older0", "10.79.0.0/24") },
    { cniVersion: "1.0.0", name: "held", plugins: [bridge("held0", "10.80.0.0/24"), { type: "holding" }, ports] },
    // One address beside that of the bridge.
    { cniVersion: "1.0.0", name: "full", plugins: [bridge("full0", "10.81.0.0/30"), ports] },
  ];
  for (const network of networks) writeFileSync(join(folder, `net.d/${network.name}.conf`), JSON.stringify(network));
  writeFileSync(join(folder, "bin/holding"), HOLDING_PLUGIN.replaceAll("FOLDER", folder), { mode: 0o755 });
  const config = join(folder, "config.toml");
  const directories = [join(folder, "bin"), ...PLUGINS];
  writeFileSync(
    config,
    `[networks]\nconfig_dir = "${join(folder, "net.d")}"\nplugin_dirs = ${JSON.stringify(directories)}\n`,
  );
  return config;
}

async function judge(workspace: Workspace, tally: Tally, options: { program: string; only?: string | undefined }) {
  const network = new HostNetwork(workspace);
  await network.open();
  try {
    const why = await network.whyNoBridge();
    if (why === undefined) await judgeIn(network, workspace, tally, options);
    else tally.skip("all", why);
  } finally {
    await network.close();
  }
}

async function judgeIn(
  network: HostNetwork,
  workspace: Workspace,
  tally: Tally,
  { program, only }: { program: string; only?: string | undefined },
) {
  const imageFolder = join(workspace.folder, "image");
  const folder = join(workspace.folder, "own");
  for (const path of [imageFolder, folder]) mkdirSync(path);
  const archive = await makeImage(imageFolder);
  const daemon = new Tsrund(folder, program, { within: network.within, options: ["--config", writeNetworks(folder)] });
  const site = new Site(network, daemon, workspace.tag);
  await daemon.start();
  try {
    await site.ok("images", "import", archive);
    // Bridges and the chains that rules hang in stay after the first use, as with every engine.
    for (const name of ["bridge", "old", "older", "full", "held"]) {
      await site.once("first", { network: name, ...(name === "bridge" ? { ports: "18080:80" } : {}) }, "true");
    }
    await site.begin();
    for (const [name, check] of CHECKS) {
      if (only !== undefined && !name.includes(only)) continue;
      try {
        await check(site);
        await site.nothingLeft();
        tally.pass(name);
      } catch (error) {
        tally.fail(name, String(error).split("\n"));
        await site.clear();
      }
    }
  } finally {
    await daemon.stop("SIGTERM");
  }
}

async function main(): Promise<number> {
  const values = readOptions(import.meta.path, {
    only: { type: "string" },
    program: { type: "string", default: join(import.meta.dir, "../../dist/tsrund") },
  });
  const hasPlugins = PLUGINS.some((directory) => existsSync(join(directory, "bridge")));
  return await runSuite({
    name: "networks",
    programs: NEEDED,
    missing: hasPlugins ? [] : ["containernetworking-plugins"],
    judge: (workspace, tally) => judge(workspace, tally, values),
  });
}

process.exitCode = await main();
