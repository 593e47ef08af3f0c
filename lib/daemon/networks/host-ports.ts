import { isIPv4 } from "node:net";
import type { PortMapping } from "./ports.ts";

/** proc_net_tcp(5): the state of a socket that listens, and of one of UDP that is bound. */
const LISTENS = { tcp: "0A", udp: "07" } as const;
/** Gives the text of a file of /proc/self/net; "" for one that is not there. */
type ReadTable = (name: string) => string;

/** A port on which a process of the host listens: what comes for it would go to the container. */
export function findPortInUse(ports: readonly PortMapping[], read: ReadTable): PortMapping | undefined {
  const tables = new Map<string, readonly Bound[]>();
  return ports.find(({ protocol, hostIP, hostPort }) => {
    if (protocol === "sctp") return false;
    const bound =
      tables.get(protocol) ?? [protocol, `${protocol}6`].flatMap((name) => parseTable(read(name), protocol));
    tables.set(protocol, bound);
    const wanted = hostIP === "" ? "" : kernelAddress(hostIP);
    return bound.some(
      ({ address, port }) => port === hostPort && (isAny(address) || wanted === "" || wanted === address),
    );
  });
}

interface Bound {
  /** As the kernel writes it: words in the machine's order of bytes, in hexadecimal. */
  readonly address: string;
  readonly port: number;
}

function parseTable(text: string, protocol: "tcp" | "udp"): readonly Bound[] {
  return text.split("\n").flatMap((line) => {
    const [, local = "", , state] = line.trim().split(/\s+/);
    const [address = "", port = ""] = local.split(":");
    return state === LISTENS[protocol] ? [{ address, port: Number.parseInt(port, 16) }] : [];
  });
}

function isAny(address: string): boolean {
  return /^0+$/.test(address);
}

/** The kernel's text for an address of a little-endian machine. */
function kernelAddress(text: string): string {
  const bytes = isIPv4(text) ? text.split(".").map(Number) : ipv6Bytes(text);
  const words = Array.from({ length: bytes.length / 4 }, (_, word) => bytes.slice(4 * word, 4 * word + 4).reverse());
  return words
    .flat()
    .map((byte) => byte.toString(16).padStart(2, "0"))
    .join("")
    .toUpperCase();
}

const IPV6_GROUPS = 8;

/** An address that isIP() has found to be one. */
function ipv6Bytes(text: string): readonly number[] {
  const [head = "", tail] = text
    .replace(/%.*$/, "")
    .replace(/(\d+\.){3}\d+$/, toGroups)
    .split("::");
  const groups = (part: string) => (part === "" ? [] : part.split(":").map((group) => Number.parseInt(group, 16)));
  const [first, last] = [groups(head), groups(tail ?? "")];
  const zeros: number[] = new Array(Math.max(0, IPV6_GROUPS - first.length - last.length)).fill(0);
  return [...first, ...zeros, ...last].flatMap((group) => [Math.floor(group / 256), group % 256]);
}

/** The last 32 bits may be written as those of IPv4. */
function toGroups(ipv4: string): string {
  const [a = 0, b = 0, c = 0, d = 0] = ipv4.split(".").map(Number);
  return `${(a * 256 + b).toString(16)}:${(c * 256 + d).toString(16)}`;
}
