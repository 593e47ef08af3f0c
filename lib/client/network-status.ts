import type { Container } from "./tasks.ts";

/** The extension of a container by which tsrund tells of its networks: lib/daemon/networks. */
const NETWORK_EXTENSION = "tsrun.dev/network";

/** A port of the host that leads to one of a container; `hostIP` is "" for all addresses. */
export interface PublishedPort {
  readonly hostPort: number;
  readonly containerPort: number;
  readonly protocol: string;
  readonly hostIP: string;
}

/** The networks that a container has while its task runs. */
export interface NetworkStatus {
  readonly networks: readonly unknown[];
  readonly ports: readonly PublishedPort[];
}

/** What the daemon says of a container's networks; undefined when that is nothing. */
export function readNetworkStatus({ extensions }: Container): NetworkStatus | undefined {
  const extension = extensions[NETWORK_EXTENSION];
  if (extension === undefined) return undefined;
  try {
    const { networks = [], ports = [] } = JSON.parse(new TextDecoder().decode(extension.value)) ?? {};
    return { networks, ports };
  } catch {
    // Somebody else has written it.
    return undefined;
  }
}

/** A port as people read it: `0.0.0.0:8080`. */
export function hostAddress({ hostIP, hostPort }: PublishedPort): string {
  const address = hostIP === "" ? "0.0.0.0" : hostIP;
  return `${address.includes(":") ? `[${address}]` : address}:${hostPort}`;
}
