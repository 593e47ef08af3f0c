import { errnoNumber } from "../linux/constants/errno.ts";
import { POLL, SOCK_FLAGS, SOCKET } from "../linux/constants/sockets.ts";
import { OwnedFd, openCall } from "../linux/fd.ts";
import { addressOf } from "../linux/ffi.ts";
import type { Kernel } from "../linux/kernel.ts";
import { receiveWithFd } from "../linux/socket.ts";
import type { ContainerProcessState } from "../spec/state.ts";

/** A system call of which the filter told, and who made it. */
export interface Notification {
  readonly nr: number;
  readonly pid: number;
}

/** linux/seccomp.h: _IOWR('!', 0, struct seccomp_notif), _IOWR('!', 1, struct seccomp_notif_resp). */
const NOTIF_RECV = 0xc0502100;
const NOTIF_SEND = 0xc0182101;
const NOTIF_BYTES = 80;
const RESPONSE_BYTES = 24;
const FLAG_CONTINUE = 1;
const POLL_MS = 2;
const MESSAGE_BYTES = 65_536;

/** For tests: a seccomp agent, which takes descriptors of filters and answers all their calls alike. */
export class SeccompAgent {
  readonly states: ContainerProcessState[] = [];
  readonly notifications: Notification[] = [];
  readonly path: string;
  readonly #kernel: Kernel;
  readonly #socket: OwnedFd;
  readonly #errno: number;
  #filters: OwnedFd[] = [];
  #open = true;
  readonly #end: Promise<void>;

  /** Answers with an errno, or, without one, lets every call go on. */
  constructor(kernel: Kernel, path: string, errno?: "EDOM") {
    this.#kernel = kernel;
    this.path = path;
    this.#errno = errno === undefined ? 0 : errnoNumber(errno);
    const doing = { doing: "listen" };
    const type = SOCKET.SOCK_STREAM + SOCK_FLAGS.SOCK_CLOEXEC + SOCK_FLAGS.SOCK_NONBLOCK;
    this.#socket = openCall(kernel, doing, "socket", SOCKET.AF_UNIX, type, 0);
    const address = Buffer.from(`\x01\x00${path}\0`, "latin1");
    kernel.call("bind", this.#socket.number, address, address.length);
    kernel.call("listen", this.#socket.number, 8);
    this.#end = this.#serve();
  }

  /** Stops: the calls of its filters get ENOSYS from here on. */
  async close(): Promise<void> {
    this.#open = false;
    await this.#end;
  }

  async #serve(): Promise<void> {
    while (this.#open) {
      this.#accept();
      this.#filters = this.#filters.filter((fd) => this.#answer(fd));
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
    for (const fd of this.#filters) fd.close();
    this.#socket.close();
  }

  #accept(): void {
    const number = this.#kernel.call("accept4", this.#socket.number, 0, 0, SOCK_FLAGS.SOCK_CLOEXEC);
    if (number < 0) return;
    using connection = new OwnedFd(this.#kernel, number);
    const { bytes, fd } = receiveWithFd(this.#kernel, connection, new Uint8Array(MESSAGE_BYTES), addressOf);
    this.states.push(JSON.parse(new TextDecoder().decode(bytes)));
    if (fd !== undefined) this.#filters.push(fd);
  }

  /** Answers one call, if there is one; false when the last process of the filter has ended. */
  #answer(fd: OwnedFd): boolean {
    const poll = new Int32Array([fd.number, POLL.POLLIN]);
    this.#kernel.call("ppoll", poll, 1, BigInt64Array.of(0n, 0n), 0, 8);
    // revents of struct pollfd: POLLIN, POLLHUP or both.
    const events = new Uint16Array(poll.buffer)[3] ?? 0;
    if (events % 2 === POLL.POLLIN) this.#respond(fd);
    if (events < POLL.POLLHUP) return true;
    fd.close();
    return false;
  }

  #respond(fd: OwnedFd): void {
    const notification = new Uint8Array(NOTIF_BYTES);
    if (this.#kernel.call("ioctl", fd.number, NOTIF_RECV, notification) < 0) return;
    const view = new DataView(notification.buffer);
    this.notifications.push({ nr: view.getInt32(16, true), pid: view.getUint32(8, true) });
    const response = new Uint8Array(RESPONSE_BYTES);
    const answer = new DataView(response.buffer);
    answer.setBigUint64(0, view.getBigUint64(0, true), true);
    answer.setInt32(16, -this.#errno, true);
    answer.setUint32(20, this.#errno === 0 ? FLAG_CONTINUE : 0, true);
    this.#kernel.call("ioctl", fd.number, NOTIF_SEND, response);
  }
}
