import { isIP } from "node:net";

/** CNI specification § Result types: what is of use of a plugin's last word. */
export interface NetworkResult {
  /** Addresses of the container, without the length of their networks. */
  readonly addresses: readonly string[];
  readonly servers: readonly string[];
  readonly search: readonly string[];
  readonly options: readonly string[];
}

/** Takes a result apart; what is not understood is left out, since plugins may say more than they need to. */
export function parseResult(result: unknown): NetworkResult {
  const { ips, dns } = fieldsOf(result);
  const { nameservers, domain, search, options } = fieldsOf(dns);
  const addresses = listOf(ips).map((ip) => String(fieldsOf(ip)["address"]).replace(/\/\d+$/, ""));
  const domains = textsOf(search);
  return {
    addresses: addresses.filter((address) => isIP(address) !== 0),
    servers: textsOf(nameservers).filter((server) => isIP(server) !== 0),
    search: domains.length === 0 ? textsOf([domain]) : domains,
    options: textsOf(options),
  };
}

function fieldsOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null ? { ...value } : {};
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

/** One that would be more than one word of a file is none. */
function textsOf(value: unknown): readonly string[] {
  return listOf(value).filter((each): each is string => typeof each === "string" && /^\S+$/.test(each));
}
