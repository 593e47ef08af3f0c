import { isIP } from "node:net";
import { ContainerError } from "../../errors.ts";
import type { Labels } from "../labels.ts";
import { type PortMapping, parsePorts } from "./ports.ts";

/** Labels of a container, by which a client asks for networks. */
export const NETWORK_LABELS = {
  /** `host`, `none`, or names of networks, with commas between; without it tsrund does nothing about networks. */
  network: "tsrun.dev/network",
  /** `[HOST-IP:]HOST-PORT:PORT[/PROTOCOL]`, with commas between. */
  ports: "tsrun.dev/ports",
  /** Addresses of name servers, in place of those of the network. */
  dns: "tsrun.dev/dns",
  /** Domains to look for names in. */
  dnsSearch: "tsrun.dev/dns-search",
  /** Options of resolv.conf(5), in place of those of the network. */
  dnsOption: "tsrun.dev/dns-option",
  /** `NAME:IP`, with commas between: lines of /etc/hosts. */
  hosts: "tsrun.dev/hosts",
} as const;

/** An extension of a container, in JSON: the networks that it has, while its task has them. */
export const NETWORK_EXTENSION = "tsrun.dev/network";

/** What a container asks for. */
export interface NetworkRequest {
  readonly mode: "host" | "none" | "networks";
  /** The networks to join, the first one as eth0. */
  readonly names: readonly string[];
  readonly ports: readonly PortMapping[];
  readonly naming: NameSettings;
}

/** What names mean in the container, besides what the networks say. */
export interface NameSettings {
  readonly servers: readonly string[];
  readonly search: readonly string[];
  readonly options: readonly string[];
  readonly hosts: readonly HostEntry[];
}

export interface HostEntry {
  readonly name: string;
  readonly address: string;
}

/** CNI specification: names of networks. */
const NETWORK_NAME = /^[A-Za-z0-9][A-Za-z0-9_.-]*$/;
const DOMAIN = /^[A-Za-z0-9_](?:[A-Za-z0-9_.-]*[A-Za-z0-9_])?\.?$/;
const OPTION = /^[A-Za-z0-9_-]+(?::[A-Za-z0-9_-]+)?$/;
const MAX_NETWORKS = 8;

/** What the labels ask for; undefined when they do not. @throws {ContainerError} invalid_argument, with the label */
export function parseNetworkLabels(labels: Labels): NetworkRequest | undefined {
  const wanted = labels.get(NETWORK_LABELS.network);
  const others = Object.values(NETWORK_LABELS).filter((label) => labels.has(label));
  if (wanted === undefined) {
    const [first] = others;
    if (first !== undefined) throw invalidLabel(first, labels, `needs the label ${NETWORK_LABELS.network}`);
    return undefined;
  }
  const names = items(wanted);
  const special = names.find((name) => name === "host" || name === "none");
  if (special !== undefined && names.length > 1) {
    throw invalidLabel(NETWORK_LABELS.network, labels, `${special} stands alone`);
  }
  const mode = special === "host" || special === "none" ? special : "networks";
  if (mode === "networks") checkNames(names, labels);
  const text = labels.get(NETWORK_LABELS.ports);
  if (mode !== "networks" && text !== undefined) {
    throw invalidLabel(
      NETWORK_LABELS.ports,
      labels,
      `network ${mode} publishes no ports: they need a network of its own`,
    );
  }
  return {
    ...{ mode, names: mode === "networks" ? names : [] },
    ports: text === undefined ? [] : parsePorts(text),
    naming: {
      servers: checked(NETWORK_LABELS.dns, labels, (item) => isIP(item) !== 0, "must be IP addresses"),
      search: checked(NETWORK_LABELS.dnsSearch, labels, (item) => DOMAIN.test(item), "must be domains"),
      options: checked(NETWORK_LABELS.dnsOption, labels, (item) => OPTION.test(item), "must be like ndots:2"),
      hosts: parseHosts(labels),
    },
  };
}

function checkNames(names: readonly string[], labels: Labels): void {
  const wrong = (why: string) => invalidLabel(NETWORK_LABELS.network, labels, why);
  if (names.length === 0 || !names.every((name) => NETWORK_NAME.test(name))) {
    throw wrong("must be host, none, or names of networks");
  }
  if (new Set(names).size < names.length) throw wrong("a network is there twice");
  if (names.length > MAX_NETWORKS) throw wrong(`at most ${MAX_NETWORKS} networks are allowed`);
}

function parseHosts(labels: Labels): readonly HostEntry[] {
  return items(labels.get(NETWORK_LABELS.hosts) ?? "").map((item) => {
    const at = item.indexOf(":");
    const entry = { name: item.slice(0, at), address: item.slice(at + 1).replace(/^\[(.*)\]$/, "$1") };
    if (at > 0 && DOMAIN.test(entry.name) && isIP(entry.address) !== 0) return entry;
    throw invalidLabel(NETWORK_LABELS.hosts, labels, "must be like db:10.0.0.7");
  });
}

function checked(label: string, labels: Labels, test: (item: string) => boolean, must: string): readonly string[] {
  const found = items(labels.get(label) ?? "");
  if (found.every(test)) return found;
  throw invalidLabel(label, labels, must);
}

function items(text: string): readonly string[] {
  return text
    .split(",")
    .map((item) => item.trim())
    .filter((item) => item !== "");
}

function invalidLabel(label: string, labels: Labels, why: string): ContainerError {
  return new ContainerError("invalid_argument", `invalid label ${label}=${labels.get(label)}: ${why}`);
}
