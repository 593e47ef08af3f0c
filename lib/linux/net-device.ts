import { IFA, IFA_F_PERMANENT, IFLA, NLM_F, RT_SCOPE_UNIVERSE, RTM } from "./constants/netlink.ts";
import { IFF_LOOPBACK, IFF_UP } from "./constants/sockets.ts";
import type { Doing, OwnedFd } from "./fd.ts";
import { isErrno } from "./files.ts";
import type { Kernel } from "./kernel.ts";
import { decodeAttributes, netlinkRequest } from "./netlink.ts";

/** A network device as rtnetlink(7) knows it. */
export interface Link {
  readonly index: number;
  readonly isUp: boolean;
  readonly isLoopback: boolean;
}

/** An address that is to go along with its device. */
export interface Address {
  readonly family: number;
  readonly prefixLength: number;
  /** IFA_ADDRESS, IFA_LOCAL and IFA_BROADCAST, those there are. */
  readonly values: ReadonlyMap<number, Uint8Array>;
}

/** `struct ifinfomsg`: u8 family, pad; u16 type; i32 index; u32 flags, change. */
const IFINFOMSG_BYTES = 16;
/** `struct ifaddrmsg`: u8 family, prefix length, flags, scope; u32 index. */
const IFADDRMSG_BYTES = 8;
const CARRIED = [IFA.IFA_ADDRESS, IFA.IFA_LOCAL, IFA.IFA_BROADCAST];

/** RTM_GETLINK: the device of a name; undefined when there is none. @throws {SyscallError} */
export function findLinkByName(kernel: Kernel, socket: OwnedFd, name: string): Link | undefined {
  const header = new Uint8Array(IFINFOMSG_BYTES);
  const request = { type: RTM.RTM_GETLINK, flags: 0, header, attributes: [nameAttribute(name)] };
  try {
    const [message] = netlinkRequest(kernel, socket, request, {
      doing: `look for the network device ${name}`,
      path: name,
    });
    if (message === undefined) return undefined;
    const view = new DataView(message.body.buffer);
    const flags = view.getUint32(8, true);
    return { index: view.getInt32(4, true), isUp: (flags & IFF_UP) !== 0, isLoopback: (flags & IFF_LOOPBACK) !== 0 };
  } catch (error) {
    if (isErrno(error, "ENODEV")) return undefined;
    throw error;
  }
}

/**
 * RTM_GETADDR: the addresses of a device that mean the same elsewhere: of global scope, and permanent, which what DHCP
 * or a router gave is not.
 */
export function listMovableAddresses(kernel: Kernel, socket: OwnedFd, { index }: Link): readonly Address[] {
  const request = { type: RTM.RTM_GETADDR, flags: NLM_F.NLM_F_DUMP, header: new Uint8Array(IFADDRMSG_BYTES) };
  return netlinkRequest(kernel, socket, request, { doing: "list network addresses" }).flatMap(({ body }) => {
    const view = new DataView(body.buffer);
    const attributes = decodeAttributes(body, IFADDRMSG_BYTES);
    const flags = attributes.get(IFA.IFA_FLAGS)?.[0] ?? view.getUint8(2);
    const isMovable = view.getUint8(3) === RT_SCOPE_UNIVERSE && (flags & IFA_F_PERMANENT) !== 0;
    if (view.getUint32(4, true) !== index || !isMovable) return [];
    const values = new Map([...attributes].filter(([type]) => CARRIED.some((carried) => carried === type)));
    return [{ family: view.getUint8(0), prefixLength: view.getUint8(1), values }];
  });
}

/** RTM_NEWLINK: sets a device up or down. @throws {SyscallError} */
export function setLinkUp(kernel: Kernel, socket: OwnedFd, { index }: Link, isUp: boolean, doing: Doing): void {
  const header = linkHeader(index);
  const view = new DataView(header.buffer);
  view.setUint32(8, isUp ? IFF_UP : 0, true);
  view.setUint32(12, IFF_UP, true);
  netlinkRequest(kernel, socket, { type: RTM.RTM_NEWLINK, flags: 0, header }, doing);
}

/** RTM_NEWLINK: moves a device to the network namespace of a process, under a name. @throws {SyscallError} */
export function moveLink(
  kernel: Kernel,
  socket: OwnedFd,
  { index }: Link,
  to: { readonly pid: number; readonly name: string },
  doing: Doing,
): void {
  const pid = new Uint8Array(4);
  new DataView(pid.buffer).setUint32(0, to.pid, true);
  const attributes = [{ type: IFLA.IFLA_NET_NS_PID, value: pid }, nameAttribute(to.name)];
  netlinkRequest(kernel, socket, { type: RTM.RTM_NEWLINK, flags: 0, header: linkHeader(index), attributes }, doing);
}

/** RTM_NEWADDR: gives a device an address; that it has it already is no fault. @throws {SyscallError} */
export function addAddress(kernel: Kernel, socket: OwnedFd, { index }: Link, address: Address, doing: Doing): void {
  const header = new Uint8Array(IFADDRMSG_BYTES);
  header.set([address.family, address.prefixLength, IFA_F_PERMANENT, RT_SCOPE_UNIVERSE]);
  new DataView(header.buffer).setUint32(4, index, true);
  const attributes = [...address.values].map(([type, value]) => ({ type, value }));
  const flags = NLM_F.NLM_F_CREATE + NLM_F.NLM_F_EXCL;
  try {
    netlinkRequest(kernel, socket, { type: RTM.RTM_NEWADDR, flags, header, attributes }, doing);
  } catch (error) {
    if (!isErrno(error, "EEXIST")) throw error;
  }
}

function linkHeader(index: number): Uint8Array {
  const header = new Uint8Array(IFINFOMSG_BYTES);
  new DataView(header.buffer).setInt32(4, index, true);
  return header;
}

function nameAttribute(name: string) {
  return { type: IFLA.IFLA_IFNAME, value: new TextEncoder().encode(`${name}\0`) };
}
