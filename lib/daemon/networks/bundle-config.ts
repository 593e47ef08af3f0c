import { ContainerError } from "../../errors.ts";
import type { NameFile } from "./name-files.ts";

/** What is to be changed in a config.json. */
export interface ConfigChange {
  /** `path` joins a namespace, `new` makes one, `host` has none. */
  readonly namespace: { readonly kind: "path"; readonly path: string } | { readonly kind: "new" | "host" };
  readonly files: readonly NameFile[];
}

type Fields = Readonly<Record<string, unknown>>;

/** The host name that a config gives its container; "" when it gives none. @throws {ContainerError} invalid_argument */
export function hostnameOf(config: Uint8Array): string {
  const { hostname } = parseConfig(config);
  return typeof hostname === "string" ? hostname : "";
}

/** A config.json with another network and files of names, all else as it was. @throws {ContainerError} invalid_argument */
export function changeConfig(config: Uint8Array, { namespace, files }: ConfigChange): Uint8Array {
  const fields = parseConfig(config);
  const { linux = {}, mounts = [] } = fields;
  if (!isObject(linux)) throw wrong("/linux", "must be an object");
  if (!Array.isArray(mounts)) throw wrong("/mounts", "must be a list");
  const { namespaces = [] } = linux;
  if (!Array.isArray(namespaces)) throw wrong("/linux/namespaces", "must be a list");
  const joined = namespaces.findIndex((each) => isObject(each) && each["type"] === "network" && "path" in each);
  if (joined >= 0) {
    throw wrong(
      `/linux/namespaces/${joined}/path`,
      "names a network already: leave it out, or the label tsrun.dev/network",
    );
  }
  const others = namespaces.filter((each) => !isObject(each) || each["type"] !== "network");
  // What the client mounts itself, it means.
  const taken = new Set(mounts.map((each) => (isObject(each) ? each["destination"] : undefined)));
  const added = files.filter(({ destination }) => !taken.has(destination)).map(mountOf);
  const changed = {
    ...fields,
    mounts: [...mounts, ...added],
    linux: { ...linux, namespaces: [...others, ...networkOf(namespace)] },
  };
  return new TextEncoder().encode(JSON.stringify(changed));
}

function networkOf(namespace: ConfigChange["namespace"]): readonly Fields[] {
  switch (namespace.kind) {
    case "host":
      return [];
    case "new":
      return [{ type: "network" }];
    case "path":
      return [{ type: "network", path: namespace.path }];
  }
}

function mountOf({ source, destination }: NameFile): Fields {
  return { destination, type: "bind", source, options: ["bind", "rprivate", "nosuid", "nodev", "noexec"] };
}

function parseConfig(config: Uint8Array): Fields {
  try {
    const value: unknown = JSON.parse(new TextDecoder().decode(config));
    if (isObject(value)) return value;
  } catch (error) {
    throw notJson(error);
  }
  throw wrong("/", "must be an object");
}

function isObject(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function wrong(pointer: string, must: string): ContainerError {
  return new ContainerError("invalid_argument", `config.json: ${pointer}: ${must}`);
}

function notJson(cause: unknown): ContainerError {
  return new ContainerError("invalid_argument", "cannot understand config.json", { cause });
}
