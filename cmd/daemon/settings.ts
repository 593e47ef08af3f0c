import { readFileSync } from "node:fs";
import { isAbsolute } from "node:path";
import type { MetricsSettings } from "../../lib/daemon/metrics/metrics-server.ts";
import type { NetworkSettings } from "../../lib/daemon/networks/networks.ts";
import type { RestartSettings } from "../../lib/daemon/restart/monitor.ts";
import type { RegistrySettings } from "../../lib/daemon/transfer/settings.ts";
import { ContainerError } from "../../lib/errors.ts";
import { boolean, oneOf, path, text, type Values } from "../flags.ts";
import type { Config } from "./config.ts";
import { parseEndpoint } from "./config-tables.ts";

/** What the daemon can be told on its command line; it outranks the configuration file. */
export const FLAGS = {
  address: path("path of the socket to serve on", { label: "PATH", short: "a" }),
  root: path("directory of what outlives a reboot", { label: "DIR" }),
  state: path("directory of what does not", { label: "DIR" }),
  config: path("configuration file, in TOML", { label: "FILE", short: "c" }),
  logLevel: text("how much to log: warn or debug", { label: "LEVEL", short: "l" }),
  logFormat: oneOf(["text", "json"], "how to log"),
  log: path("file to log to, instead of standard error", { label: "FILE" }),
  version: boolean("print the version", { short: "v" }),
};

export type DaemonFlags = Values<typeof FLAGS>;

export interface Settings {
  readonly address: string;
  readonly root: string;
  readonly state: string;
  readonly gid: number;
  readonly idleShims: number;
  readonly overlayOptions: readonly string[];
  readonly syncLayers: boolean;
  readonly networks: NetworkSettings;
  readonly registry: RegistrySettings;
  readonly restart: RestartSettings;
  readonly metrics: MetricsSettings | undefined;
  readonly aliases: ReadonlyMap<string, string>;
  readonly logLevel: "warn" | "debug";
  readonly logFormat: "text" | "json";
  readonly logFile: string | undefined;
}

export const DEFAULTS = {
  address: "/run/tsrund/tsrund.sock",
  root: "/var/lib/tsrund",
  state: "/run/tsrund",
  config: "/etc/tsrund/config.toml",
};
/** Where Debian has the plugins is tried after where their makers put them. */
const NETWORKS = {
  ...{ configDir: "/etc/cni/net.d", pluginDirs: ["/opt/cni/bin", "/usr/lib/cni"], timeoutMs: 30_000 },
  ...{ bridge: "tsrun0", subnet: "10.77.0.0/16", dns: [] },
};

/** As containerd's. */
const RESTART_INTERVAL_MS = 10_000;

/** Clients name it when they are told nothing else; its options are those of our own. */
const ALIASES = { "io.containerd.runc.v2": "io.containerd.tsrun.v2" };

/** Each takes some 7 MB, and saves a client the start of a program. */
const IDLE_SHIMS = 2;

/** Puts flags and configuration file together. @throws {ContainerError} invalid_argument */
export async function readSettings(flags: DaemonFlags): Promise<Settings> {
  const file = flags.config ?? DEFAULTS.config;
  const config = readConfig(file, flags.config !== undefined);
  const { parseConfig } = await import("./config.ts");
  const { parseRegistry } = await import("./registry-config.ts");
  const { DEFAULT_REGISTRY_SETTINGS } = await import("../../lib/daemon/transfer/settings.ts");
  const given = parseConfig(config, file);
  const absolute = (name: "address" | "root" | "state"): string => {
    const value = flags[name] ?? given[name] ?? DEFAULTS[name];
    if (isAbsolute(value)) return value;
    throw new ContainerError("invalid_argument", `cannot use ${name} ${value}: must be an absolute path`);
  };
  return {
    ...{ address: absolute("address"), root: absolute("root"), state: absolute("state") },
    idleShims: given.idleShims ?? IDLE_SHIMS,
    ...{ gid: given.gid ?? 0, overlayOptions: given.overlayOptions ?? [] },
    syncLayers: given.syncLayers ?? false,
    restart: { intervalMs: given.restart?.intervalMs ?? RESTART_INTERVAL_MS },
    metrics: metricsSettings(given.metrics),
    networks: networkSettings({ ...NETWORKS, ...given.networks }),
    registry: { ...DEFAULT_REGISTRY_SETTINGS, ...parseRegistry(given.registry ?? {}, file) },
    aliases: new Map(Object.entries({ ...ALIASES, ...given.runtimes })),
    logLevel: parseLevel(flags.logLevel ?? given.logLevel ?? "warn"),
    logFormat: flags.logFormat,
    logFile: flags.log,
  };
}

/** What containers there are and what they do is not for everybody. @throws {ContainerError} invalid_argument */
function metricsSettings({ address, remote, grpcHistogram }: NonNullable<Config["metrics"]> = {}) {
  const endpoint = address === undefined ? undefined : parseEndpoint(address);
  if (endpoint === undefined) return undefined;
  const isLoopback = endpoint.hostname === "::1" || endpoint.hostname.startsWith("127.");
  if (!isLoopback && remote !== true) {
    const why = `${address} can be reached from elsewhere: set metrics.remote = true if it is to be`;
    throw new ContainerError("invalid_argument", `cannot serve metrics: ${why}`);
  }
  return { ...endpoint, histogram: grpcHistogram === true };
}

function networkSettings(given: Required<NonNullable<Config["networks"]>>): NetworkSettings {
  const { configDir: configDirectory, pluginDirs: pluginDirectories, timeoutMs: limitMs, bridge, subnet, dns } = given;
  return { configDirectory, pluginDirectories, limitMs, bridge: { device: bridge, subnet }, servers: dns };
}

/** The words of containerd are understood; what is less than a warning is debugging here. */
function parseLevel(word: string): "warn" | "debug" {
  if (["trace", "debug"].includes(word)) return "debug";
  if (["info", "warn", "error", "fatal", "panic"].includes(word)) return "warn";
  throw new ContainerError("invalid_argument", `cannot use log level ${JSON.stringify(word)}: must be warn or debug`);
}

/** The configuration as text; that of the usual place may be missing. */
function readConfig(file: string, isRequired: boolean): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    const isMissing = error instanceof Error && "code" in error && error.code === "ENOENT";
    if (isMissing && !isRequired) return "";
    throw cannotRead(file, error);
  }
}

function cannotRead(file: string, cause: unknown): ContainerError {
  return new ContainerError("invalid_argument", `cannot read ${file}`, { cause });
}
