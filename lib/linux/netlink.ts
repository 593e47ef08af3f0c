import { SyscallError } from "../errors.ts";
import { errnoNumber, errnoSymbol, errnoText } from "./constants/errno.ts";
import { AF_NETLINK, NETLINK_ROUTE, NLM_F, NLMSG, SOCK_RAW } from "./constants/netlink.ts";
import { SOCK_FLAGS } from "./constants/sockets.ts";
import { checkedCall, type Doing, type OwnedFd, openCall } from "./fd.ts";
import type { Kernel } from "./kernel.ts";

/** `struct nlmsghdr`: u32 length, u16 type, u16 flags, u32 sequence, u32 port. */
const HEADER_BYTES = 16;
const ALIGNMENT = 4;
/** netlink(7): a part of a dump is at most this long. */
const BUFFER_BYTES = 32 << 10;
/** Parts of an answer: more links or addresses than a machine has. */
const MAX_PARTS = 10_000;

/** An attribute of a message: `struct rtattr`. */
export interface Attribute {
  readonly type: number;
  readonly value: Uint8Array;
}

/** What is asked of the kernel. */
export interface NetlinkRequest {
  readonly type: number;
  /** NLM_F bits besides NLM_F_REQUEST. */
  readonly flags: number;
  /** The fixed structure of this type. */
  readonly header: Uint8Array;
  readonly attributes?: readonly Attribute[];
}

/** One message of an answer. */
export interface NetlinkMessage {
  readonly type: number;
  /** Fixed structure and attributes. */
  readonly body: Uint8Array;
}

/** rtnetlink(7): a socket in the network namespace of this process. */
export function openNetlink(kernel: Kernel): OwnedFd {
  const doing = { doing: "open a netlink socket" };
  return openCall(kernel, doing, "socket", AF_NETLINK, SOCK_RAW + SOCK_FLAGS.SOCK_CLOEXEC, NETLINK_ROUTE);
}

/**
 * Asks the kernel, and reads its whole answer: what comes before the acknowledgement, or up to the end of a dump.
 * @throws {SyscallError} `cannot <doing>: …` with the errno the kernel answers
 */
export function netlinkRequest(
  kernel: Kernel,
  socket: OwnedFd,
  request: NetlinkRequest,
  doing: Doing,
): readonly NetlinkMessage[] {
  const isDump = request.flags === NLM_F.NLM_F_DUMP;
  const bytes = encodeRequest({ ...request, flags: request.flags + (isDump ? 0 : NLM_F.NLM_F_ACK) });
  checkedCall(kernel, doing, "sendto", socket.number, bytes, bytes.length, 0, 0, 0);
  const messages: NetlinkMessage[] = [];
  const buffer = new Uint8Array(BUFFER_BYTES);
  for (let part = 0; part < MAX_PARTS; part++) {
    const length = checkedCall(kernel, doing, "recvfrom", socket.number, buffer, buffer.length, 0, 0, 0);
    for (const message of decodeMessages(buffer.subarray(0, length))) {
      if (message.type === NLMSG.NLMSG_DONE) return messages;
      if (message.type !== NLMSG.NLMSG_ERROR) {
        messages.push(message);
        continue;
      }
      const error = -new DataView(message.body.buffer).getInt32(0, true);
      if (error === 0) return messages;
      throw refused(doing, error);
    }
  }
  throw refused(doing, errnoNumber("EOVERFLOW"));
}

function refused({ doing, path }: Doing, error: number): SyscallError {
  return new SyscallError(`cannot ${doing}: ${errnoText(error)}`, { call: "sendto", errno: errnoSymbol(error), path });
}

function encodeRequest({ type, flags, header, attributes = [] }: NetlinkRequest): Uint8Array {
  const sizes = attributes.map(({ value }) => aligned(4 + value.length));
  const bytes = new Uint8Array(HEADER_BYTES + aligned(header.length) + sizes.reduce((sum, size) => sum + size, 0));
  const view = new DataView(bytes.buffer);
  view.setUint32(0, bytes.length, true);
  view.setUint16(4, type, true);
  view.setUint16(6, flags + NLM_F.NLM_F_REQUEST, true);
  bytes.set(header, HEADER_BYTES);
  let at = HEADER_BYTES + aligned(header.length);
  attributes.forEach(({ type: kind, value }, index) => {
    view.setUint16(at, 4 + value.length, true);
    view.setUint16(at + 2, kind, true);
    bytes.set(value, at + 4);
    at += sizes[index] ?? 0;
  });
  return bytes;
}

/** The messages of one datagram; what is cut off is left out. */
export function decodeMessages(bytes: Uint8Array): readonly NetlinkMessage[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const messages: NetlinkMessage[] = [];
  for (let at = 0; at + HEADER_BYTES <= bytes.length; ) {
    const length = view.getUint32(at, true);
    if (length < HEADER_BYTES || at + length > bytes.length) break;
    messages.push({ type: view.getUint16(at + 4, true), body: bytes.slice(at + HEADER_BYTES, at + length) });
    at += aligned(length);
  }
  return messages;
}

/** The attributes after a fixed structure of `from` bytes; of each type the last one. */
export function decodeAttributes(body: Uint8Array, from: number): ReadonlyMap<number, Uint8Array> {
  const view = new DataView(body.buffer, body.byteOffset, body.byteLength);
  const attributes = new Map<number, Uint8Array>();
  for (let at = aligned(from); at + 4 <= body.length; ) {
    const length = view.getUint16(at, true);
    if (length < 4 || at + length > body.length) break;
    attributes.set(view.getUint16(at + 2, true), body.slice(at + 4, at + length));
    at += aligned(length);
  }
  return attributes;
}

function aligned(bytes: number): number {
  return ALIGNMENT * Math.ceil(bytes / ALIGNMENT);
}
