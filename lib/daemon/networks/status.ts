import type { ContainerStore } from "../metadata/containers.ts";
import { NETWORK_EXTENSION } from "./labels.ts";
import type { PortMapping } from "./ports.ts";
import type { Owner } from "./records.ts";

/** What a client may want to know of a container's networks. */
export interface NetworkStatus {
  readonly networks: readonly {
    readonly name: string;
    readonly interface: string;
    readonly addresses: readonly string[];
  }[];
  readonly ports: readonly PortMapping[];
}

/** Shows clients what a container has got. A container that is no more has nobody to be shown to. */
export function writeNetworkStatus(
  containers: ContainerStore,
  { namespace, id }: Owner,
  status: NetworkStatus | undefined,
): void {
  const container = containers.find(namespace, id);
  if (container === undefined) return;
  const extensions = new Map(container.extensions);
  if (status === undefined && !extensions.delete(NETWORK_EXTENSION)) return;
  if (status !== undefined) {
    const value = new TextEncoder().encode(JSON.stringify(status));
    extensions.set(NETWORK_EXTENSION, { typeUrl: NETWORK_EXTENSION, value });
  }
  containers.update(namespace, { ...container, extensions }, [`extensions.${NETWORK_EXTENSION}`]);
}
