import { ContainerError, explain } from "../errors.ts";
import { propertyPath } from "../json-pointer.ts";
import { type OwnedFd, openCall } from "../linux/fd.ts";
import { findLink } from "../linux/files.ts";
import type { Kernel } from "../linux/kernel.ts";
import {
  type Address,
  addAddress,
  findLinkByName,
  type Link,
  listMovableAddresses,
  moveLink,
  setLinkUp,
} from "../linux/net-device.ts";
import { openNetlink } from "../linux/netlink.ts";
import type { RuntimeStep } from "../plan/step.ts";

/** Init, which waits for its devices; `fd` is the number of its netlink socket. */
export interface NetworkOwner {
  readonly pid: number;
  readonly fd: number;
}

/** A device on its way. */
interface Move {
  readonly pid: number;
  readonly name: string;
  readonly inside: string;
}

/**
 * config-linux.md § Network Devices: moves the devices of a plan to the network namespace of init, with their
 * addresses, and sets them up. One that cannot go stays as it was.
 * @throws {ContainerError} naming the property
 */
export function moveNetDevices(kernel: Kernel, steps: readonly RuntimeStep[], { pid, fd }: NetworkOwner): void {
  using host = openNetlink(kernel);
  using inside = copySocket(kernel, pid, fd);
  const isShared = findLink(kernel, `/proc/${pid}/ns/net`) === findLink(kernel, "/proc/self/ns/net");
  for (const { args, purpose } of steps) {
    const [name, , newName] = args.map(String);
    if (name === undefined || newName === undefined) throw new TypeError("internal error: no device to move");
    const why = isShared
      ? "the network namespace of the container is that of the runtime"
      : moveDevice(kernel, { host, inside }, { pid, name, inside: newName });
    if (why === undefined) continue;
    throw new ContainerError("failed_precondition", `cannot ${purpose.doing} (${propertyPath(purpose.from)}): ${why}`);
  }
}

/** pidfd_getfd(2) of init's socket, which stays in its network namespace. */
function copySocket(kernel: Kernel, pid: number, fd: number): OwnedFd {
  const doing = { doing: "reach the network namespace of the container" };
  using process = openCall(kernel, doing, "pidfd_open", pid, 0);
  return openCall(kernel, doing, "pidfd_getfd", process.number, fd, 0);
}

interface Sockets {
  readonly host: OwnedFd;
  readonly inside: OwnedFd;
}

/** Why a device could not be moved; undefined when it was. */
function moveDevice(kernel: Kernel, sockets: Sockets, move: Move): string | undefined {
  const { host, inside } = sockets;
  const link = findLinkByName(kernel, host, move.name);
  if (link === undefined) return "there is no such device in the network namespace of the runtime";
  if (link.isLoopback) return "a loopback device cannot leave its network namespace";
  if (findLinkByName(kernel, inside, move.inside) !== undefined) {
    return `the network namespace of the container has a device ${move.inside} already`;
  }
  const addresses = listMovableAddresses(kernel, host, link);
  const doing = { doing: `move ${move.name}`, path: move.name };
  try {
    // A device that is up keeps its name.
    if (link.isUp) setLinkUp(kernel, host, link, false, doing);
    moveLink(kernel, host, link, { pid: move.pid, name: move.inside }, doing);
  } catch (error) {
    restore(kernel, host, link, addresses);
    return `${explain(error)}: some kinds of device are bound to their network namespace`;
  }
  return settle(kernel, inside, move, addresses);
}

/** In the container it has lost its addresses, and may have another number. */
function settle(
  kernel: Kernel,
  inside: OwnedFd,
  { inside: name }: Move,
  addresses: readonly Address[],
): string | undefined {
  const doing = { doing: `set up ${name} in the container`, path: name };
  try {
    const link = findLinkByName(kernel, inside, name);
    if (link === undefined) return "it is not there after the move";
    for (const address of addresses) addAddress(kernel, inside, link, address, doing);
    setLinkUp(kernel, inside, link, true, doing);
    return undefined;
  } catch (error) {
    return explain(error);
  }
}

/** Setting a device down has taken its addresses of IPv6. */
function restore(kernel: Kernel, host: OwnedFd, link: Link, addresses: readonly Address[]): void {
  if (!link.isUp) return;
  const doing = { doing: "restore a network device" };
  try {
    setLinkUp(kernel, host, link, true, doing);
    for (const address of addresses) addAddress(kernel, host, link, address, doing);
  } catch {
    // What is told is why it could not be moved.
  }
}
