import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { isIP } from "node:net";
import { join } from "node:path";
import { hasErrno } from "../errno.ts";
import type { NameSettings } from "./labels.ts";
import type { NetworkResult } from "./result.ts";

/** A file that takes the place of one of the image's. */
export interface NameFile {
  readonly source: string;
  readonly destination: string;
}

/** What the files of names are made of. */
export interface NameFacts {
  /** "" when the container has the host's. */
  readonly hostname: string;
  readonly naming: NameSettings;
  readonly results: readonly NetworkResult[];
  /** Its loopback is that of the host. */
  readonly isHost: boolean;
  /** Name servers for containers whose networks tell none; none is to look at the host's. */
  readonly servers: readonly string[];
}

/** Where a resolver of the host's own says whom it asks. */
const RESOLV_CONF = "/etc/resolv.conf";
const UPSTREAM = "/run/systemd/resolve/resolv.conf";
/** resolv.conf(5) takes so many. */
const MAX_SERVERS = 3;
const MAX_HOST_FILE_BYTES = 64 * 1024;

/** Writes resolv.conf, hosts and hostname into a directory, for the container to see in its /etc. */
export function writeNameFiles(directory: string, facts: NameFacts): readonly NameFile[] {
  mkdirSync(directory, { recursive: true, mode: 0o711 });
  const texts = new Map([
    ["resolv.conf", resolvConf(facts, readHostFile)],
    ["hosts", hosts(facts, readHostFile)],
  ]);
  if (facts.hostname !== "") texts.set("hostname", `${facts.hostname}\n`);
  return [...texts].map(([name, text]) => {
    const source = join(directory, name);
    writeFileSync(source, text, { mode: 0o644 });
    return { source, destination: `/etc/${name}` };
  });
}

type ReadFile = (path: string) => string;

/** resolv.conf(5): what was asked for, else what the networks say, else what the host uses and the container can reach. */
export function resolvConf({ naming, results, isHost, servers }: NameFacts, read: ReadFile): string {
  const told = results.flatMap((result) => result.servers);
  const host = parseResolvConf(read(RESOLV_CONF));
  const reachable = isHost ? host : withoutLoopback(host, () => parseResolvConf(read(UPSTREAM)));
  const chosen = [naming.servers, told, isHost ? [] : servers, reachable.servers].find((list) => list.length > 0) ?? [];
  const search = [naming.search, results.flatMap((result) => result.search), reachable.search];
  const options = [naming.options, results.flatMap((result) => result.options), reachable.options];
  const domains = search.find((list) => list.length > 0) ?? [];
  const flags = options.find((list) => list.length > 0) ?? [];
  return [
    ...chosen.slice(0, MAX_SERVERS).map((server) => `nameserver ${server}\n`),
    domains.length === 0 ? "" : `search ${domains.join(" ")}\n`,
    flags.length === 0 ? "" : `options ${flags.join(" ")}\n`,
  ].join("");
}

type Resolver = Pick<NetworkResult, "servers" | "search" | "options">;

function parseResolvConf(text: string): Resolver {
  const lines = text.split("\n").map((line) => line.trim().split(/\s+/));
  const of = (keyword: string) => lines.filter(([first]) => first === keyword).map(([, ...words]) => words);
  return {
    servers: of("nameserver").flatMap(([server = ""]) => (isIP(server.replace(/%.*$/, "")) === 0 ? [] : [server])),
    search: of("search").at(-1) ?? [],
    options: of("options").flat(),
  };
}

/** A server on the host's loopback is on the container's own, where nobody is: systemd-resolved says whom it asks. */
function withoutLoopback(host: Resolver, upstream: () => Resolver): Resolver {
  const isLoopback = (server: string) => server.startsWith("127.") || server === "::1";
  const reachable = { ...host, servers: host.servers.filter((server) => !isLoopback(server)) };
  if (reachable.servers.length > 0 || host.servers.length === 0) return reachable;
  const { servers } = upstream();
  return { ...host, servers: servers.filter((server) => !isLoopback(server)) };
}

/** hosts(5) */
export function hosts({ hostname, naming, results, isHost }: NameFacts, read: ReadFile): string {
  const extra = naming.hosts.map(({ address, name }) => `${address}\t${name}\n`);
  if (isHost) return [read("/etc/hosts"), ...extra].join("");
  const [first] = results.flatMap(({ addresses }) => addresses);
  return [
    "127.0.0.1\tlocalhost\n",
    "::1\tlocalhost ip6-localhost ip6-loopback\n",
    hostname === "" ? "" : `${first ?? "127.0.1.1"}\t${hostname}\n`,
    ...extra,
  ].join("");
}

function readHostFile(path: string): string {
  try {
    return readFileSync(path, "utf8").slice(0, MAX_HOST_FILE_BYTES);
  } catch (error) {
    if (hasErrno(error, "ENOENT", "ENOTDIR", "EACCES")) return "";
    throw error;
  }
}
