import { ContainerError } from "../../lib/errors.ts";
import { MSG } from "../../lib/linux/constants/sockets.ts";
import { checkedCall, OwnedFd } from "../../lib/linux/fd.ts";
import type { Kernel } from "../../lib/linux/kernel.ts";
import { connectDatagram } from "../../lib/linux/socket.ts";

type Environment = Readonly<Record<string, string | undefined>>;

/** sd_listen_fds(3): the first descriptor that is handed over. */
const FIRST_FD = 3;

/** sd_listen_fds(3): the listening socket that systemd has made; undefined without one. @throws {ContainerError} */
export function inheritedListener(kernel: Kernel, environment: Environment): OwnedFd | undefined {
  const { LISTEN_PID: pid, LISTEN_FDS: count } = environment;
  if (count === undefined || pid !== String(process.pid)) return undefined;
  if (count === "1") return new OwnedFd(kernel, FIRST_FD);
  throw new ContainerError("invalid_argument", `cannot serve on ${count} sockets of systemd: must be 1`);
}

/** sd_notify(3): tells systemd, when it wants to know. @throws {SyscallError} */
export function notify(kernel: Kernel, environment: Environment, state: "READY=1" | "STOPPING=1"): void {
  const { NOTIFY_SOCKET: path = "" } = environment;
  if (path === "") return;
  using socket = connectDatagram(kernel, path);
  const bytes = new TextEncoder().encode(state);
  const doing = { doing: "tell systemd", path };
  checkedCall(kernel, doing, "sendto", socket.number, bytes, bytes.length, MSG.MSG_NOSIGNAL, 0, 0);
}
