import { pointerTo } from "../json-pointer.ts";
import { AF_NETLINK, NETLINK_ROUTE, SOCK_RAW } from "../linux/constants/netlink.ts";
import { SOCK_FLAGS } from "../linux/constants/sockets.ts";
import type { Linux } from "../spec/config.ts";
import { MESSAGE_BYTES, MESSAGE_NETWORK, message, sendMessage } from "./messages.ts";
import {
  CONTROL,
  close,
  type Field,
  flags,
  type Purpose,
  type RuntimeStep,
  register,
  type Step,
  type Struct,
} from "./step.ts";

/** config-linux.md § Network Devices: moved by the runtime, from its own network namespace to that of init. */
export function compileNetDevices({ netDevices = {} }: Linux, pid: number | string): readonly RuntimeStep[] {
  return Object.entries(netDevices).map(([name, { name: inside = name }]): RuntimeStep => {
    const as = inside === name ? "" : ` as ${inside}`;
    const purpose: Purpose = {
      doing: `move the network device ${name} into the container${as}`,
      from: pointerTo("/linux/netDevices", name),
      path: name,
    };
    return { call: "moveDevice", args: [name, String(pid), inside], purpose };
  });
}

const NETLINK = "netlink";

/**
 * Init opens a socket in its network namespace and tells the runtime its number, who takes a copy of it: so the runtime
 * reaches that namespace without going there. Then it waits until the devices have come.
 */
export function awaitNetDevices({ netDevices = {} }: Linux): readonly Step[] {
  if (Object.keys(netDevices).length === 0) return [];
  const purpose: Purpose = { doing: "wait for the network devices", from: "/linux/netDevices" };
  const type = flags(SOCK_RAW + SOCK_FLAGS.SOCK_CLOEXEC, { SOCK_CLOEXEC: SOCK_FLAGS.SOCK_CLOEXEC, SOCK_RAW });
  const news: Struct = message(MESSAGE_NETWORK, "MESSAGE_NETWORK, netlink");
  const value: Field = { kind: "field", of: news, at: 4, name: "message.fd" };
  const answer: Struct = { kind: "struct", bytes: new Uint8Array(MESSAGE_BYTES), describe: () => "answer" };
  return [
    { call: "socket", args: [flags(AF_NETLINK, { AF_NETLINK }), type, NETLINK_ROUTE], into: NETLINK, purpose },
    { call: "store", args: [value, register(NETLINK), 4], purpose },
    sendMessage(news, purpose),
    { call: "read", args: [register(CONTROL), answer, MESSAGE_BYTES], failOnZero: true, purpose },
    close(NETLINK, purpose),
  ];
}
