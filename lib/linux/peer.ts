import { ContainerError } from "../errors.ts";
import { errnoNumber, errnoText } from "./constants/errno.ts";
import { SO_PEERCRED, SO_PEERGROUPS, SOL_SOCKET } from "./constants/sockets.ts";
import type { Kernel } from "./kernel.ts";

/** Who has connected to a unix socket, in this process' user namespace, as it was then. */
export interface PeerCredentials {
  readonly pid: number;
  readonly uid: number;
  readonly gid: number;
  readonly groups: readonly number[];
}

/** `struct ucred` */
const CREDENTIALS_BYTES = 12;
/** Most processes have fewer groups; the kernel says how many there are. */
const GROUPS_BYTES = 64 * 4;

/** unix(7), SO_PEERCRED and SO_PEERGROUPS of a connection. @throws {ContainerError} */
export function peerCredentials(kernel: Kernel, fd: number): PeerCredentials {
  const [pid = 0, uid = 0, gid = 0] = socketOption(kernel, fd, SO_PEERCRED, CREDENTIALS_BYTES);
  return { pid, uid, gid, groups: [...socketOption(kernel, fd, SO_PEERGROUPS, GROUPS_BYTES)] };
}

/** getsockopt(2): the numbers of an option. */
function socketOption(kernel: Kernel, fd: number, option: number, bytes: number): Uint32Array {
  const value = new Uint32Array(bytes / 4);
  const length = Uint32Array.of(bytes);
  const result = kernel.call("getsockopt", fd, SOL_SOCKET, option, value, length);
  const [needed = 0] = length;
  if (result === -errnoNumber("ERANGE") && needed > bytes) return socketOption(kernel, fd, option, needed);
  if (result < 0) throw new ContainerError("internal", `cannot tell who has connected: ${errnoText(-result)}`);
  return value.subarray(0, needed / 4);
}
