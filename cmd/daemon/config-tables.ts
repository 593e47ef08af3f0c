import { isIP } from "node:net";

/** Tables of a configuration file, with all their keys optional. */
export interface ConfigTables {
  readonly networks?: {
    readonly configDir?: string;
    readonly pluginDirs?: readonly string[];
    readonly timeoutMs?: number;
    readonly bridge?: string;
    readonly subnet?: string;
    readonly dns?: readonly string[];
  };
  readonly restart?: { readonly intervalMs?: number };
  readonly metrics?: { readonly address?: string; readonly remote?: boolean; readonly grpcHistogram?: boolean };
}

/** A key of a table: its field, whether a value is right, and what it must be. */
type Key = readonly [field: string, check: (value: unknown) => boolean, must: string];

const isPath = (value: unknown) => typeof value === "string" && value.startsWith("/");
const isList = (check: (value: unknown) => boolean) => (value: unknown) =>
  Array.isArray(value) && value.length > 0 && value.every(check);
const isAddress = (value: unknown) => typeof value === "string" && isIP(value) !== 0;
const isSubnet = (value: unknown) => {
  const [address = "", bits = "", ...rest] = typeof value === "string" ? value.split("/") : [];
  const version = isIP(address);
  return version !== 0 && rest.length === 0 && /^\d{1,3}$/.test(bits) && Number(bits) <= (version === 4 ? 30 : 126);
};
/** netdevice(7): IFNAMSIZ with its NUL. */
const isDevice = (value: unknown) => typeof value === "string" && /^[A-Za-z0-9][A-Za-z0-9_.-]{0,14}$/.test(value);
const isMilliseconds = (value: unknown) => Number.isInteger(value) && Number(value) > 0 && Number(value) < 2 ** 31;

const isBoolean = (value: unknown) => typeof value === "boolean";
const isEndpoint = (value: unknown) => typeof value === "string" && parseEndpoint(value) !== undefined;

const MAX_PORT = 65_535;

/** `127.0.0.1:1338` or `[::1]:1338`; undefined for anything else. */
export function parseEndpoint(text: string): { readonly hostname: string; readonly port: number } | undefined {
  const [, six, four, digits] = /^(?:\[([^\]]+)\]|([^:[\]]+)):(\d{1,5})$/.exec(text) ?? [];
  const port = Number(digits);
  const hostname = six ?? four ?? "";
  if (isIP(hostname) !== (six === undefined ? 4 : 6) || port < 1 || port > MAX_PORT) return undefined;
  return { hostname, port };
}

const MILLISECONDS = "a number of milliseconds";

/** The tables there are, and their keys as they are written. */
export const TABLES: Readonly<Record<keyof ConfigTables, Readonly<Record<string, Key>>>> = {
  networks: {
    config_dir: ["configDir", isPath, "an absolute path"],
    plugin_dirs: ["pluginDirs", isList(isPath), "a list of absolute paths"],
    timeout_ms: ["timeoutMs", isMilliseconds, MILLISECONDS],
    bridge: ["bridge", isDevice, "a name of at most 15 letters, digits and _ . -"],
    subnet: ["subnet", isSubnet, "a network, like 10.77.0.0/16"],
    dns: ["dns", isList(isAddress), "a list of IP addresses"],
  },
  metrics: {
    address: ["address", isEndpoint, "an IP address and a port, like 127.0.0.1:1338 or [::1]:1338"],
    remote: ["remote", isBoolean, "true or false"],
    grpc_histogram: ["grpcHistogram", isBoolean, "true or false"],
  },
  restart: { interval_ms: ["intervalMs", isMilliseconds, MILLISECONDS] },
};
