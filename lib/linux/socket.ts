import { ContainerError } from "../errors.ts";
import { errnoNumber, errnoText } from "./constants/errno.ts";
import { AT_FDCWD, FCNTL, OPEN } from "./constants/files.ts";
import { MSG, SCM_RIGHTS, SOCK_FLAGS, SOCKET, SOL_SOCKET } from "./constants/sockets.ts";
import { checkedCall, checkResult, OwnedFd, openCall } from "./fd.ts";
import type { Kernel } from "./kernel.ts";

const SEQPACKET = SOCKET.SOCK_SEQPACKET | SOCK_FLAGS.SOCK_CLOEXEC;
const DIRECTORY = OPEN.O_PATH | OPEN.O_DIRECTORY | OPEN.O_CLOEXEC;
const STREAM = SOCKET.SOCK_STREAM | SOCK_FLAGS.SOCK_CLOEXEC;

/** socketpair(2), SOCK_SEQPACKET: both ends are the caller's, and close on exec. */
export function socketPair(kernel: Kernel): readonly [OwnedFd, OwnedFd] {
  const fds = new Int32Array(2);
  checkedCall(kernel, { doing: "make a pair of sockets" }, "socketpair", SOCKET.AF_UNIX, SEQPACKET, 0, fds);
  const [first = -1, second = -1] = fds;
  return [new OwnedFd(kernel, first), new OwnedFd(kernel, second)];
}

/** listen(2) on a new socket `name` in an open directory. */
export function listenIn(kernel: Kernel, directory: OwnedFd, name: string): OwnedFd {
  const doing = { doing: `listen on ${name}`, path: name };
  const address = unixAddress(`/proc/self/fd/${directory.number}/${name}`);
  using socket = openCall(kernel, doing, "socket", SOCKET.AF_UNIX, SEQPACKET, 0);
  checkedCall(kernel, doing, "bind", socket.number, address, address.length);
  checkedCall(kernel, doing, "listen", socket.number, 1);
  return socket.move();
}

/** connect(2) to the socket `name` in an open directory: the connection, or the negated errno. */
export function connectIn(kernel: Kernel, directory: OwnedFd, name: string): OwnedFd | number {
  const address = unixAddress(`/proc/self/fd/${directory.number}/${name}`);
  using socket = openCall(kernel, { doing: `connect to ${name}` }, "socket", SOCKET.AF_UNIX, SEQPACKET, 0);
  const result = kernel.call("connect", socket.number, address, address.length);
  return result < 0 ? result : socket.move();
}

const STREAM_BACKLOG = 4096;

/** listen(2) on a new stream socket, which its owner alone may connect to: the socket, or the negated errno of bind(2). */
export function listenStream(kernel: Kernel, path: string): OwnedFd | number {
  const doing = { doing: `listen on ${path}`, path };
  const address = unixAddress(path);
  using socket = openCall(kernel, doing, "socket", SOCKET.AF_UNIX, STREAM, 0);
  // unix(7): the mode of the socket's file is that of its descriptor when it is bound.
  checkedCall(kernel, doing, "fchmod", socket.number, 0o600);
  const result = kernel.call("bind", socket.number, address, address.length);
  if (result < 0) return result;
  checkedCall(kernel, doing, "listen", socket.number, STREAM_BACKLOG);
  return socket.move();
}

/** accept4(2) @throws {SyscallError} */
export function acceptStream(kernel: Kernel, listener: OwnedFd): OwnedFd {
  const doing = { doing: "accept a connection" };
  return openCall(kernel, doing, "accept4", listener.number, 0, 0, SOCK_FLAGS.SOCK_CLOEXEC);
}

/** Whether somebody listens on a stream socket. */
export function isListening(kernel: Kernel, path: string): boolean {
  const address = unixAddress(path);
  const fd = kernel.call("socket", SOCKET.AF_UNIX, STREAM, 0);
  if (fd < 0) return false;
  using socket = new OwnedFd(kernel, fd);
  return kernel.call("connect", socket.number, address, address.length) >= 0;
}

/** connect(2) to a stream socket by its path. @throws {SyscallError} */
export function connectStream(kernel: Kernel, path: string): OwnedFd {
  const doing = { doing: `connect to ${path}`, path };
  const slash = path.lastIndexOf("/");
  // A path of any length, by a descriptor of its directory.
  using directory = openCall(kernel, doing, "openat", AT_FDCWD, path.slice(0, slash) || "/", DIRECTORY, 0);
  const address = unixAddress(`/proc/self/fd/${directory.number}/${path.slice(slash + 1)}`);
  using socket = openCall(kernel, doing, "socket", SOCKET.AF_UNIX, STREAM, 0);
  checkedCall(kernel, doing, "connect", socket.number, address, address.length);
  return socket.move();
}

const DATAGRAM = SOCKET.SOCK_DGRAM | SOCK_FLAGS.SOCK_CLOEXEC;

/** bind(2) of a new datagram socket `name` in an open directory. @throws {SyscallError} */
export function listenDatagram(kernel: Kernel, directory: OwnedFd, name: string): OwnedFd {
  const doing = { doing: `listen on ${name}`, path: name };
  const address = unixAddress(`/proc/self/fd/${directory.number}/${name}`);
  using socket = openCall(kernel, doing, "socket", SOCKET.AF_UNIX, DATAGRAM, 0);
  checkedCall(kernel, doing, "bind", socket.number, address, address.length);
  return socket.move();
}

/** connect(2) to a datagram socket by its path, or by a name without one, which `@` begins. @throws {SyscallError} */
export function connectDatagram(kernel: Kernel, path: string): OwnedFd {
  const doing = { doing: `connect to ${path}`, path };
  const address = unixAddress(path);
  const isAbstract = path.startsWith("@");
  if (isAbstract) address[2] = 0;
  using socket = openCall(kernel, doing, "socket", SOCKET.AF_UNIX, DATAGRAM, 0);
  // A name without a path ends with the address, not with a NUL.
  checkedCall(kernel, doing, "connect", socket.number, address, address.length - (isAbstract ? 1 : 0));
  return socket.move();
}

/**
 * recv(2) of one message: the part of the buffer it filled; empty at the end. A peer that ended without reading all it
 * was sent gives ECONNRESET once, even before what it had sent itself.
 */
export function receive(kernel: Kernel, socket: OwnedFd, buffer: Uint8Array): Uint8Array {
  const receiveOnce = () => kernel.call("recvfrom", socket.number, buffer, buffer.length, 0, 0, 0);
  let bytes = receiveOnce();
  if (bytes === -errnoNumber("ECONNRESET")) bytes = receiveOnce();
  if (bytes < 0) throw new ContainerError("internal", `cannot receive a report: ${errnoText(-bytes)}`);
  return buffer.subarray(0, bytes);
}

/** Offsets in `struct msghdr` and the size of a control message with one descriptor. */
const MSGHDR_BYTES = 56;
const CONTROL_BYTES = 24;
const CONTROL_DATA = 16;

/** The address of a buffer that its owner keeps alive over the call. */
type AddressOf = (buffer: Uint8Array) => number;

/** `struct msghdr` for one buffer and one control message; what it points to has to be kept alive. */
function messageHeader(payload: Uint8Array, control: Uint8Array, vector: BigUint64Array, address: AddressOf): DataView {
  vector.set([BigInt(address(payload)), BigInt(payload.length)]);
  const view = new DataView(new ArrayBuffer(MSGHDR_BYTES));
  view.setBigUint64(16, BigInt(address(new Uint8Array(vector.buffer))), true);
  view.setBigUint64(24, 1n, true);
  view.setBigUint64(32, BigInt(address(control)), true);
  view.setBigUint64(40, BigInt(control.length), true);
  return view;
}

/** A message, and the descriptor that came with it. */
export interface Received {
  /** The part of the buffer that was filled; empty at the end. */
  readonly bytes: Uint8Array;
  readonly fd?: OwnedFd;
}

/** recvmsg(2) of one message and of the descriptor that it brings by SCM_RIGHTS; see receive(). @throws {SyscallError} */
export function receiveWithFd(kernel: Kernel, socket: OwnedFd, buffer: Uint8Array, address: AddressOf): Received {
  const control = new Uint8Array(CONTROL_BYTES);
  const vector = new BigUint64Array(2);
  const view = messageHeader(buffer, control, vector, address);
  const header = new Uint8Array(view.buffer);
  const doing = { doing: "receive a descriptor" };
  let bytes = kernel.call("recvmsg", socket.number, header, MSG.MSG_CMSG_CLOEXEC);
  if (bytes < 0) bytes = checkedCall(kernel, doing, "recvmsg", socket.number, header, MSG.MSG_CMSG_CLOEXEC);
  const filled = buffer.subarray(0, bytes);
  if (view.getBigUint64(40, true) < BigInt(CONTROL_DATA + 4)) return { bytes: filled };
  return { bytes: filled, fd: new OwnedFd(kernel, new DataView(control.buffer).getInt32(CONTROL_DATA, true)) };
}

/** recvmsg(2) of a descriptor sent by SCM_RIGHTS; undefined at the end. */
export function receiveFd(kernel: Kernel, socket: OwnedFd, address: AddressOf): OwnedFd | undefined {
  const { bytes, fd } = receiveWithFd(kernel, socket, new Uint8Array(64), address);
  if (bytes.length > 0) return fd;
  fd?.close();
  return undefined;
}

/** sendmsg(2) of a whole message with one descriptor by SCM_RIGHTS. @throws {SyscallError} `cannot <doing>: …` */
export function sendWithFd(
  kernel: Kernel,
  socket: OwnedFd,
  message: { readonly payload: Uint8Array; readonly fd: OwnedFd; readonly doing: string },
  address: AddressOf,
): void {
  const { payload, fd, doing } = message;
  const control = new Uint8Array(CONTROL_BYTES);
  const controlView = new DataView(control.buffer);
  controlView.setBigUint64(0, BigInt(CONTROL_DATA + 4), true);
  controlView.setInt32(8, SOL_SOCKET, true);
  controlView.setInt32(12, SCM_RIGHTS, true);
  controlView.setInt32(CONTROL_DATA, fd.number, true);
  const vector = new BigUint64Array(2);
  const header = new Uint8Array(messageHeader(payload, control, vector, address).buffer);
  let sent = checkedCall(kernel, { doing }, "sendmsg", socket.number, header, MSG.MSG_NOSIGNAL);
  // A stream takes what it has room for; the descriptor went with the first byte.
  while (sent < payload.length) {
    const rest = payload.subarray(sent);
    sent += checkedCall(kernel, { doing }, "sendto", socket.number, rest, rest.length, MSG.MSG_NOSIGNAL, 0, 0);
  }
}

/** fcntl(2): a descriptor of the caller's at or above `minimum`, without close-on-exec: for a child to inherit. */
export function inheritable(kernel: Kernel, fd: OwnedFd, minimum: number): OwnedFd {
  const copy = kernel.call("fcntl", fd.number, FCNTL.F_DUPFD, minimum);
  // EINVAL is said of a minimum that is beyond the limit on descriptors.
  const result = copy === -errnoNumber("EINVAL") ? -errnoNumber("EMFILE") : copy;
  return new OwnedFd(kernel, checkResult(result, { doing: "hand a descriptor on" }, "fcntl"));
}

/** unix(7): `sun_path` without its NUL. */
const MAX_ADDRESS_BYTES = 107;

/** `struct sockaddr_un`: u16 family, then the path with its NUL. @throws {ContainerError} when it is too long */
function unixAddress(path: string): Uint8Array {
  const bytes = new TextEncoder().encode(path);
  if (bytes.length > MAX_ADDRESS_BYTES) {
    throw new ContainerError("invalid_argument", `cannot use the socket ${path}: its name is too long`);
  }
  const address = new Uint8Array(2 + bytes.length + 1);
  new DataView(address.buffer).setUint16(0, SOCKET.AF_UNIX, true);
  address.set(bytes, 2);
  return address;
}
