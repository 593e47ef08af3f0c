import { MSG, SCM_RIGHTS, SOL_SOCKET } from "../linux/constants/sockets.ts";
import { type Field, flags, type Purpose, register, type Step, type Struct } from "./step.ts";

/** What is sent along with a descriptor, and where. */
interface Shipment {
  /** The register with the socket. */
  readonly socket: string;
  /** The register with the descriptor. */
  readonly descriptor: string;
  /** At least one byte has to go with it. */
  readonly payload: string | Struct;
}

/** Offset of the descriptor in the control message: after u64 length, int level, int type. */
const CMSG_DATA = 16;
const CMSG_BYTES = 24;
/** Offsets in the one structure that holds `struct msghdr`, `struct iovec` and the control message. */
const MESSAGE_IOVEC = 56;
const MESSAGE_CONTROL = 72;

/** sendmsg(2) of a descriptor by SCM_RIGHTS; a peer that is gone is a failure, not a SIGPIPE. */
export function sendDescriptor({ socket, descriptor, payload }: Shipment, purpose: Purpose): readonly Step[] {
  const message = messageWith(payload, descriptor);
  const field: Field = { kind: "field", of: message, at: MESSAGE_CONTROL + CMSG_DATA, name: "control.fd" };
  return [
    { call: "store", args: [field, register(descriptor), 4], purpose },
    { call: "sendmsg", args: [register(socket), message, flags(MSG.MSG_NOSIGNAL, MSG)], purpose },
  ];
}

function messageWith(payload: string | Struct, descriptor: string): Struct {
  const isText = typeof payload === "string";
  const payloadBytes = isText ? new TextEncoder().encode(payload).length : payload.bytes.length;
  const bytes = new Uint8Array(MESSAGE_CONTROL + CMSG_BYTES);
  const view = new DataView(bytes.buffer);
  view.setBigUint64(24, 1n, true); // msg_iovlen
  view.setBigUint64(40, BigInt(CMSG_BYTES), true); // msg_controllen
  view.setBigUint64(MESSAGE_IOVEC + 8, BigInt(payloadBytes), true); // iov_len
  view.setBigUint64(MESSAGE_CONTROL, BigInt(CMSG_DATA + 4), true); // cmsg_len
  view.setInt32(MESSAGE_CONTROL + 8, SOL_SOCKET, true);
  view.setInt32(MESSAGE_CONTROL + 12, SCM_RIGHTS, true);
  return {
    kind: "struct",
    bytes,
    pointers: [
      { at: 16, to: { kind: "self", at: MESSAGE_IOVEC } },
      { at: 32, to: { kind: "self", at: MESSAGE_CONTROL } },
      { at: MESSAGE_IOVEC, to: payload },
    ],
    describe: () => `{${isText ? JSON.stringify(payload) : payload.describe()}, SCM_RIGHTS=[${descriptor}]}`,
  };
}
