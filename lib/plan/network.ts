import { IFF_UP, SIOCSIFFLAGS, SOCK_FLAGS, SOCKET } from "../linux/constants/sockets.ts";
import { flags, type Purpose, register, type Step, type Struct } from "./step.ts";

const LOOPBACK = "lo";
/** `struct ifreq` of netdevice(7): the name in 16 bytes, then a union whose short is the flags. */
const IFREQ_BYTES = 40;
const IFREQ_FLAGS = 16;

/** netdevice(7): brings up `lo` of a new network namespace, which is down at birth. */
export function compileLoopback(): readonly Step[] {
  const purpose: Purpose = { doing: "bring up the loopback interface", from: "/linux/namespaces" };
  const bytes = new Uint8Array(IFREQ_BYTES);
  bytes.set([...LOOPBACK].map((character) => character.charCodeAt(0)));
  new DataView(bytes.buffer).setUint16(IFREQ_FLAGS, IFF_UP, true);
  const request: Struct = { kind: "struct", bytes, describe: () => `{"${LOOPBACK}", IFF_UP}` };
  const type = flags(SOCKET.SOCK_DGRAM | SOCK_FLAGS.SOCK_CLOEXEC, { SOCK_DGRAM: 2, SOCK_CLOEXEC: 0o2000000 });
  return [
    { call: "socket", args: [flags(SOCKET.AF_INET, { AF_INET: 2 }), type, 0], into: "socket", purpose },
    { call: "ioctl", args: [register("socket"), flags(SIOCSIFFLAGS, { SIOCSIFFLAGS }), request], purpose },
  ];
}
