import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { ContainerError, explain } from "../../errors.ts";
import { hasErrno } from "../errno.ts";

/** CNI specification § Network configuration format: a network, as a chain of plugins. */
export interface Network {
  readonly cniVersion: string;
  readonly name: string;
  readonly plugins: readonly PluginConfig[];
}

/** The configuration of one plugin: `type` names its executable, the rest is its own affair. */
export interface PluginConfig {
  readonly type: string;
  readonly capabilities?: Readonly<Record<string, boolean>>;
  readonly [key: string]: unknown;
}

/** The one network that is there without a file. */
export interface BridgeSettings {
  /** The name of the bridge's device. */
  readonly device: string;
  readonly subnet: string;
}

export const DEFAULT_NETWORK = "bridge";

/** Those whose results tell addresses alike. */
const VERSIONS = ["0.3.0", "0.3.1", "0.4.0", "1.0.0", "1.1.0"];
const NAME = /^[A-Za-z0-9][A-Za-z0-9_.-]*$/;
const MAX_FILE_BYTES = 2 ** 20;
/** The version of what is asked for without a file. */
const OWN_VERSION = "1.0.0";

/** What brings `lo` up; every namespace gets it first. */
export const LOOPBACK: Network = { cniVersion: OWN_VERSION, name: "loopback", plugins: [{ type: "loopback" }] };

/** A bridge behind the host's address, with ports that lead into it. `leases` is where host-local remembers addresses. */
export function bridgeNetwork({ device, subnet }: BridgeSettings, leases: string): Network {
  const ipam = { type: "host-local", ranges: [[{ subnet }]], routes: [{ dst: "0.0.0.0/0" }], dataDir: leases };
  return {
    cniVersion: OWN_VERSION,
    name: DEFAULT_NETWORK,
    plugins: [
      { type: "bridge", bridge: device, isGateway: true, ipMasq: true, hairpinMode: true, ipam },
      { type: "portmap", capabilities: { portMappings: true }, snat: true },
      // Another engine may have made it the rule that nothing is forwarded.
      { type: "firewall", backend: "iptables" },
    ],
  };
}

/** The networks of a directory's files, by their names; of two of a name the file that sorts first is taken. */
export function findNetwork(directory: string, name: string): Network | undefined {
  const faults: string[] = [];
  for (const file of filesOf(directory)) {
    const path = join(directory, file);
    try {
      const network = parseNetwork(readLimited(path), path);
      if (network.name === name) return network;
    } catch (error) {
      if (!(error instanceof ContainerError)) throw error;
      faults.push(explain(error));
    }
  }
  // A file that cannot be understood may be the one that was meant.
  if (faults.length > 0 && name !== DEFAULT_NETWORK) {
    throw new ContainerError("not_found", `cannot find network ${name}: ${faults.join("; ")}`);
  }
  return undefined;
}

/** libcni: files that end so, in order of their names. */
function filesOf(directory: string): readonly string[] {
  try {
    return readdirSync(directory)
      .filter((file) => /\.(conflist|conf|json)$/.test(file))
      .sort();
  } catch (error) {
    if (hasErrno(error, "ENOENT", "ENOTDIR")) return [];
    throw cannotRead(directory, error);
  }
}

function readLimited(path: string): string {
  try {
    const text = readFileSync(path, "utf8");
    if (text.length <= MAX_FILE_BYTES) return text;
  } catch (error) {
    throw cannotRead(path, error);
  }
  throw new ContainerError("invalid_argument", `cannot read ${path}: it is too large`);
}

function cannotRead(path: string, cause: unknown): ContainerError {
  return new ContainerError("internal", `cannot read ${path}`, { cause });
}

/** A list of plugins, or the configuration of one, which is a list of one. @throws {ContainerError} invalid_argument */
export function parseNetwork(text: string, file: string): Network {
  const fields = parseObject(text, file);
  const { cniVersion, name, plugins = [fields] } = fields;
  const wrong = (pointer: string, value: unknown, must: string) => {
    const shown = value === undefined ? "missing" : JSON.stringify(value);
    return new ContainerError("invalid_argument", `${file}: ${pointer}: ${shown}: must be ${must}`);
  };
  if (typeof cniVersion !== "string" || !VERSIONS.includes(cniVersion)) {
    throw wrong("/cniVersion", cniVersion, `one of ${VERSIONS.join(", ")}`);
  }
  if (typeof name !== "string" || !NAME.test(name)) throw wrong("/name", name, "letters, digits and any of _ . -");
  if (!Array.isArray(plugins) || plugins.length === 0) throw wrong("/plugins", plugins, "a list of plugins");
  for (const [index, plugin] of plugins.entries()) {
    if (!isObject(plugin)) throw wrong(`/plugins/${index}`, plugin, "an object");
    const { type } = plugin;
    // It becomes the name of an executable in a directory of plugins.
    if (typeof type !== "string" || !NAME.test(type)) throw wrong(`/plugins/${index}/type`, type, "a plugin's name");
    const { capabilities } = plugin;
    if (capabilities !== undefined && !isObject(capabilities)) {
      throw wrong(`/plugins/${index}/capabilities`, capabilities, "an object");
    }
  }
  // Each was checked to be one above.
  return { cniVersion, name, plugins: plugins as readonly PluginConfig[] };
}

function parseObject(text: string, file: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text);
    if (isObject(value)) return value;
  } catch (error) {
    throw notJson(file, error);
  }
  throw new ContainerError("invalid_argument", `${file}: must be an object`);
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function notJson(file: string, cause: unknown): ContainerError {
  return new ContainerError("invalid_argument", `cannot understand ${file}`, { cause });
}
