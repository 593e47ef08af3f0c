import { ContainerError, explain } from "../../lib/errors.ts";
import { type ConfigTables, TABLES } from "./config-tables.ts";

/** What a configuration file can say. */
export interface Config extends ConfigTables {
  readonly address?: string;
  readonly root?: string;
  readonly state?: string;
  readonly gid?: number;
  readonly idleShims?: number;
  readonly logLevel?: string;
  readonly overlayOptions?: readonly string[];
  readonly syncLayers?: boolean;
  /** Names of runtimes, and what they stand for. */
  readonly runtimes?: Readonly<Record<string, string>>;
  readonly registry?: Readonly<Record<string, unknown>>;
}

const MAX_IDLE_SHIMS = 64;

type Check = (value: unknown) => boolean;

const isSmall: Check = (value) => Number.isInteger(value) && Number(value) >= 0 && Number(value) <= MAX_IDLE_SHIMS;
const isText: Check = (value) => typeof value === "string" && value !== "";
const KEYS: Readonly<Record<string, readonly [field: keyof Config, check: Check, must: string]>> = {
  address: ["address", isText, "a path"],
  root: ["root", isText, "a path"],
  state: ["state", isText, "a path"],
  idle_shims: ["idleShims", isSmall, "a number from 0 to 64"],
  gid: ["gid", (value) => Number.isInteger(value) && Number(value) >= 0, "a group's number"],
  log_level: ["logLevel", isText, "warn or debug"],
  overlay_options: ["overlayOptions", (value) => Array.isArray(value) && value.every(isText), "a list of texts"],
  sync_layers: ["syncLayers", (value) => typeof value === "boolean", "true or false"],
  runtimes: ["runtimes", (value) => isTable(value) && Object.values(value).every(isText), "a table of texts"],
  registry: ["registry", (value) => isTable(value), "a table"],
};

function isTable(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Takes a configuration in TOML apart. @throws {ContainerError} invalid_argument, with the key */
export function parseConfig(text: string, file: string): Config {
  const config: Partial<Record<keyof Config, unknown>> = {};
  for (const [key, value] of Object.entries(parseToml(text, file))) {
    const table = TABLE_NAMES.find((name) => name === key);
    if (table !== undefined) {
      config[table] = parseTable(value, table, file);
      continue;
    }
    const known = Object.hasOwn(KEYS, key) ? KEYS[key] : undefined;
    if (known === undefined) throw unknownKey(file, key, [...Object.keys(KEYS), ...TABLE_NAMES]);
    const [field, check, must] = known;
    if (!check(value)) throw wrong(file, `${key}: ${JSON.stringify(value)}: must be ${must}`);
    config[field] = value;
  }
  // Each value was checked above.
  return config as Config;
}

const TABLE_NAMES = Object.keys(TABLES) as readonly (keyof ConfigTables)[];

function parseTable(value: unknown, name: keyof ConfigTables, file: string): Readonly<Record<string, unknown>> {
  if (!isTable(value)) throw wrong(file, `${name}: ${JSON.stringify(value)}: must be a table`);
  const fields = Object.entries(value).map(([key, given]) => {
    const known = Object.hasOwn(TABLES[name], key) ? TABLES[name][key] : undefined;
    if (known === undefined) throw unknownKey(file, `${name}.${key}`, Object.keys(TABLES[name]));
    const [field, check, must] = known;
    if (!check(given)) throw wrong(file, `${name}.${key}: ${JSON.stringify(given)}: must be ${must}`);
    return [field, given] as const;
  });
  return Object.fromEntries(fields);
}

function unknownKey(file: string, key: string, known: readonly string[]): ContainerError {
  return wrong(file, `${key}: there is no such key: must be one of ${known.join(", ")}`);
}

function parseToml(text: string, file: string): Readonly<Record<string, unknown>> {
  try {
    const parsed: unknown = Bun.TOML.parse(text);
    return isTable(parsed) ? parsed : {};
  } catch (error) {
    throw wrong(file, explain(error));
  }
}

function wrong(file: string, why: string): ContainerError {
  return new ContainerError("invalid_argument", `${file}: ${why}`);
}
