import { isIP } from "node:net";
import { ContainerError } from "../../errors.ts";

export const PROTOCOLS = ["tcp", "udp", "sctp"] as const;
export type Protocol = (typeof PROTOCOLS)[number];

/** CNI's conventions, `portMappings`: a port of the host that leads to one of a container. */
export interface PortMapping {
  readonly hostPort: number;
  readonly containerPort: number;
  readonly protocol: Protocol;
  /** The address of the host; "" for all. */
  readonly hostIP: string;
}

const MAX_PORT = 65_535;
/** Each is a rule of the packet filter for every packet to pass. */
const MAX_PORTS = 1024;
const SYNTAX = /^(?:(\[[^\]]*\]|[^:[\]]*):)?([0-9]+)(?:-([0-9]+))?:([0-9]+)(?:-([0-9]+))?(?:\/([a-z]+))?$/;

/** Takes `[HOST-IP:]HOST-PORT[-END]:PORT[-END][/PROTOCOL]`, with commas between, apart. @throws {ContainerError} invalid_argument */
export function parsePorts(text: string): readonly PortMapping[] {
  const ports = text.split(",").flatMap(parseRange);
  if (ports.length > MAX_PORTS) throw invalidPorts(text, `has ${ports.length} ports, at most ${MAX_PORTS} are allowed`);
  for (const [index, port] of ports.entries()) {
    const twice = ports.slice(0, index).find((other) => clashes(other, port));
    if (twice !== undefined) throw invalidPorts(text, `${describePort(port)} is there twice`);
  }
  return ports;
}

function parseRange(text: string): readonly PortMapping[] {
  const [, address = "", first = "", last, target = "", targetEnd, protocol = "tcp"] = SYNTAX.exec(text.trim()) ?? [];
  if (first === "") throw invalidPorts(text, "must be like [IP:]8080:80[/udp]; a range is like 8000-8009:80-89");
  const hostIP = address.startsWith("[") ? address.slice(1, -1) : address;
  if (hostIP !== "" && isIP(hostIP) === 0) throw invalidPorts(text, `${JSON.stringify(hostIP)} is no IP address`);
  const known = PROTOCOLS.find((each) => each === protocol);
  if (known === undefined)
    throw invalidPorts(text, `${protocol} is no protocol: must be one of ${PROTOCOLS.join(", ")}`);
  const hosts = rangeOf(text, first, last);
  const targets = rangeOf(text, target, targetEnd);
  if (hosts.length !== targets.length) throw invalidPorts(text, "both ranges must have as many ports");
  return hosts.map((hostPort, index) => ({
    ...{ hostPort, containerPort: targets[index] ?? 0, protocol: known, hostIP: ANY.has(hostIP) ? "" : hostIP },
  }));
}

/** Other words for all addresses of the host. */
const ANY = new Set(["", "0.0.0.0", "::"]);

function rangeOf(text: string, first: string, last = first): readonly number[] {
  const [begin, end] = [Number(first), Number(last)];
  if (begin < 1 || end > MAX_PORT) throw invalidPorts(text, `ports are from 1 to ${MAX_PORT}`);
  if (end < begin) throw invalidPorts(text, `the range ${first}-${last} ends before it begins`);
  if (end - begin >= MAX_PORTS) throw invalidPorts(text, `at most ${MAX_PORTS} ports are allowed`);
  return Array.from({ length: end - begin + 1 }, (_, index) => begin + index);
}

function invalidPorts(text: string, why: string): ContainerError {
  return new ContainerError("invalid_argument", `invalid port ${JSON.stringify(text)}: ${why}`);
}

/** Whether both cannot be published at a time. */
export function clashes(a: PortMapping, b: PortMapping): boolean {
  const isSameAddress = a.hostIP === b.hostIP || a.hostIP === "" || b.hostIP === "";
  return a.hostPort === b.hostPort && a.protocol === b.protocol && isSameAddress;
}

/** `127.0.0.1:8080/tcp` */
export function describePort({ hostIP, hostPort, protocol }: PortMapping): string {
  const address = hostIP.includes(":") ? `[${hostIP}]` : hostIP;
  return `${address === "" ? "" : `${address}:`}${hostPort}/${protocol}`;
}
