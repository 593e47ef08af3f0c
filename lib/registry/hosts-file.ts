import { readFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { ContainerError, explain } from "../errors.ts";
import { ALL_CAPABILITIES, type Capability, ownHost, type RegistryHost } from "./hosts.ts";
import type { TlsSettings } from "./transport.ts";

type Table = Readonly<Record<string, unknown>>;

const KEYS = ["capabilities", "ca", "client", "header", "override_path", "skip_verify"];
const TOP_KEYS = [...KEYS, "server", "host"];

/**
 * containerd's hosts.toml: the hosts of a registry in the order in which they are tried, mirrors first, itself last. Looked
 * for in `DIRECTORY/REGISTRY` and in `DIRECTORY/_default`; undefined when it is in neither.
 * @throws {ContainerError} failed_precondition, with file and key
 */
export function findHosts(directory: string, registry: string): readonly RegistryHost[] | undefined {
  for (const name of [registry, registry.replace(/:(\d+)$/, "_$1_"), "_default"]) {
    const file = join(directory, name, "hosts.toml");
    const text = readOptional(file);
    if (text !== undefined) return parseHosts(text, file, registry);
  }
  return undefined;
}

/** Takes the text of a hosts.toml apart. @throws {ContainerError} failed_precondition */
export function parseHosts(text: string, file: string, registry: string): readonly RegistryHost[] {
  const config = new HostsFile(file, registry);
  return config.parse(text);
}

class HostsFile {
  readonly #file: string;
  readonly #registry: string;

  constructor(file: string, registry: string) {
    this.#file = file;
    this.#registry = registry;
  }

  parse(text: string): readonly RegistryHost[] {
    const { host, ...top } = this.#table(this.#parseToml(text), "", TOP_KEYS);
    const { server, ...own } = top;
    const mirrors = Object.entries(host === undefined ? {} : this.#object(host, "host")).map(([address, value]) =>
      this.#mirror(address, value),
    );
    // Certificates are of no use to plain HTTP.
    const scheme = ["ca", "client", "skip_verify"].some((key) => own[key] !== undefined) ? "https" : undefined;
    const serverAddress = server ?? ownHost(this.#registry, scheme).base.origin;
    return [...mirrors, this.#host(serverAddress, own, { own: "server", below: "" })];
  }

  #parseToml(text: string): unknown {
    try {
      return Bun.TOML.parse(text);
    } catch (error) {
      throw this.#wrong("", explain(error));
    }
  }

  #mirror(address: string, value: unknown): RegistryHost {
    const at = `host.${JSON.stringify(address)}`;
    return this.#host(address, this.#table(value, at, KEYS), { own: at, below: `${at}.` });
  }

  /** `own` is where the address stands, and `below` begins the names of its keys. */
  #host(address: unknown, table: Table, { own: at, below }: { own: string; below: string }): RegistryHost {
    if (typeof address !== "string") throw this.#wrong(at, "must be an address");
    const base = URL.parse(address.includes("://") ? address : `https://${address}`);
    if (base === null || !["http:", "https:"].includes(base.protocol)) throw this.#wrong(at, "must be an address");
    const isWhole = table["override_path"] === true;
    const path = base.pathname.replace(/\/+$/, "");
    base.pathname = isWhole || path.endsWith("/v2") ? `${path}/` : `${path}/v2/`;
    const tls = this.#tls(table, below);
    return {
      base,
      capabilities: this.#capabilities(table["capabilities"], `${below}capabilities`),
      headers: this.#headers(table["header"], `${below}header`),
      ...(tls === undefined ? {} : { tls }),
    };
  }

  #capabilities(value: unknown, at: string): ReadonlySet<Capability> {
    if (value === undefined) return ALL_CAPABILITIES;
    const names = this.#texts(value, at);
    const known = [...ALL_CAPABILITIES].filter((each) => names.includes(each));
    if (known.length === names.length) return new Set(known);
    throw this.#wrong(at, "must be of pull, resolve and push");
  }

  #headers(value: unknown, at: string): Readonly<Record<string, string>> {
    if (value === undefined) return {};
    const entries = Object.entries(this.#object(value, at)).map(
      ([name, each]) => [name, this.#texts(each, `${at}.${name}`).join(", ")] as const,
    );
    return Object.fromEntries(entries);
  }

  #tls(table: Table, below: string): TlsSettings | undefined {
    const { ca, client, skip_verify: skipVerify } = table;
    if (ca === undefined && client === undefined && skipVerify === undefined) return undefined;
    if (skipVerify !== undefined && typeof skipVerify !== "boolean") {
      throw this.#wrong(`${below}skip_verify`, "must be true or false");
    }
    const authorities =
      ca === undefined ? [] : this.#texts(ca, `${below}ca`).map((path) => this.#read(path, `${below}ca`));
    return {
      ...(authorities.length === 0 ? {} : { ca: authorities }),
      ...(client === undefined ? {} : this.#client(client, `${below}client`)),
      ...(skipVerify === undefined ? {} : { skipVerify }),
    };
  }

  /** A file with both, or a list of one pair. */
  #client(value: unknown, at: string): Pick<TlsSettings, "certificate" | "key"> {
    const first: unknown = Array.isArray(value) ? value[0] : value;
    const [certificate = "", key = certificate] = Array.isArray(first)
      ? this.#texts(first, at)
      : this.#texts(value, at);
    if (Array.isArray(value) && value.length > 1) throw this.#wrong(at, "must be one certificate");
    return { certificate: this.#read(certificate, at), key: this.#read(key, at) };
  }

  #read(path: string, at: string): string {
    try {
      return readFileSync(resolve(dirname(this.#file), path), "utf8");
    } catch (error) {
      throw this.#wrong(at, explain(error));
    }
  }

  #texts(value: unknown, at: string): readonly string[] {
    const list: readonly unknown[] = Array.isArray(value) ? value : [value];
    return list.map((each) => {
      if (typeof each !== "string" || each === "") throw this.#wrong(at, "must be a text, or a list of texts");
      return each;
    });
  }

  #object(value: unknown, at: string): Table {
    if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Table;
    throw this.#wrong(at, "must be a table");
  }

  #table(value: unknown, at: string, keys: readonly string[]): Table {
    const table = this.#object(value, at);
    const strange = Object.keys(table).find((key) => !keys.includes(key));
    if (strange === undefined) return table;
    throw this.#wrong(
      at === "" ? strange : `${at}.${strange}`,
      `there is no such key: must be one of ${keys.join(", ")}`,
    );
  }

  #wrong(at: string, why: string): ContainerError {
    return new ContainerError("failed_precondition", `${this.#file}: ${at === "" ? "" : `${at}: `}${why}`);
  }
}

function readOptional(file: string): string | undefined {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    if (error instanceof Error && "code" in error && (error.code === "ENOENT" || error.code === "ENOTDIR")) {
      return undefined;
    }
    throw cannotRead(file, error);
  }
}

function cannotRead(file: string, cause: unknown): ContainerError {
  return new ContainerError("failed_precondition", `cannot read ${file}`, { cause });
}
