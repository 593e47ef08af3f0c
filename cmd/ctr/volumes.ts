import type { Volume } from "../../lib/client/volumes/volume.ts";
import { ContainerError } from "../../lib/errors.ts";

/** By volume the containers that mount it. */
type Users = ReadonlyMap<string, readonly string[]>;

/** A volume as JSON has it. */
export function describeVolume({ name, mountpoint, createdAt, labels, isAnonymous }: Volume, users: Users) {
  return { name, mountpoint, createdAt, labels, isAnonymous, usedBy: users.get(name) ?? [] };
}

type Test = (volume: Volume, users: Users) => boolean;

/** docker volume ls --filter: of one key any, of several all. @throws {ContainerError} invalid_argument */
export function parseVolumeFilters(given: readonly string[]): Test {
  const tests = given.map(parseFilter);
  const keys = new Set(tests.map(({ key }) => key));
  return (volume, users) =>
    [...keys].every((wanted) => tests.some(({ key, test }) => key === wanted && test(volume, users)));
}

function parseFilter(given: string): { readonly key: string; readonly test: Test } {
  const equals = given.indexOf("=");
  const [key, value] = equals < 0 ? [given, ""] : [given.slice(0, equals), given.slice(equals + 1)];
  if (key === "name") return { key, test: ({ name }) => name.includes(value) };
  if (key === "dangling" && /^(?:true|false|1|0)$/.test(value)) {
    const isWanted = value === "true" || value === "1";
    return { key, test: ({ name }, users) => users.has(name) !== isWanted };
  }
  if (key === "label" && value !== "") return { key, test: ({ labels }) => hasLabel(labels, value) };
  const why = "must be dangling=true, dangling=false, name=TEXT, label=KEY or label=KEY=value";
  throw new ContainerError("invalid_argument", `--filter ${given}: ${why}`);
}

function hasLabel(labels: Readonly<Record<string, string>>, wanted: string): boolean {
  return Object.entries(labels).some(([key, value]) => wanted === key || wanted === `${key}=${value}`);
}
