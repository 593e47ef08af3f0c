import { isAbsolute } from "node:path";
import type { RegistrySettings } from "../../lib/daemon/transfer/settings.ts";
import { ContainerError } from "../../lib/errors.ts";

type Check = (value: unknown) => boolean;

const isPath: Check = (value) => typeof value === "string" && isAbsolute(value);
const KEYS: Readonly<Record<string, readonly [field: keyof RegistrySettings, check: Check, must: string]>> = {
  config_path: ["hostsDirectory", isPath, "an absolute path"],
  docker_config: ["dockerConfig", isPath, "an absolute path"],
  insecure: ["insecure", (value) => Array.isArray(value) && value.every(isHost), "a list of hosts, e.g. 10.0.0.1:5000"],
  parallel: ["parallel", (value) => Number.isInteger(value) && Number(value) >= 1 && Number(value) <= 64, "1 to 64"],
};

function isHost(value: unknown): boolean {
  return typeof value === "string" && /^[^\s/]+$/.test(value);
}

/** The table `registry` of a configuration file. @throws {ContainerError} invalid_argument, with the key */
export function parseRegistry(table: Readonly<Record<string, unknown>>, file: string): Partial<RegistrySettings> {
  const settings: Partial<Record<keyof RegistrySettings, unknown>> = {};
  for (const [key, value] of Object.entries(table)) {
    const known = Object.hasOwn(KEYS, key) ? KEYS[key] : undefined;
    if (known === undefined) {
      throw wrong(file, key, `there is no such key: must be one of ${Object.keys(KEYS).join(", ")}`);
    }
    const [field, check, must] = known;
    if (!check(value)) throw wrong(file, key, `${JSON.stringify(value)}: must be ${must}`);
    settings[field] = value;
  }
  // Each value was checked above.
  return settings as Partial<RegistrySettings>;
}

function wrong(file: string, key: string, why: string): ContainerError {
  return new ContainerError("invalid_argument", `${file}: registry.${key}: ${why}`);
}
