import { AT_FDCWD, OPEN } from "../linux/constants/files.ts";
import { MSG, POLL } from "../linux/constants/sockets.ts";
import { checkedCall, OwnedFd } from "../linux/fd.ts";
import { addressOf } from "../linux/ffi.ts";
import { makeDirectory } from "../linux/files.ts";
import type { Kernel } from "../linux/kernel.ts";
import { connectDatagram, listenDatagram, sendWithFd } from "../linux/socket.ts";
import { containerDirectory, NOTIFY_DIRECTORY } from "./container-store.ts";
import type { RuntimeOptions } from "./options.ts";

const SOCKET_NAME = "notify.sock";
/** Where the container finds it, as with runc. */
const INSIDE = "/run/notify";
/** Readable and writable for the user of the container, whoever that is. */
const SOCKET_MODE = 0o777;
const DIRECTORY_MODE = 0o755;
const MESSAGE_BYTES = 4096;
/** How long the service manager may take to work off what it was told; as with runc. */
const BARRIER_SECONDS = 30n;
const POLL_MS = 50;

/** sd_notify(3): what a config gets so that its program finds the proxy of the service manager's socket. */
export function notifyMount(options: RuntimeOptions, id: string) {
  return {
    mount: {
      destination: INSIDE,
      source: `${containerDirectory(options, id)}/${NOTIFY_DIRECTORY}`,
      options: ["bind", "nosuid", "noexec", "nodev", "ro"],
    },
    variable: `NOTIFY_SOCKET=${INSIDE}/${SOCKET_NAME}`,
  };
}

/** Makes the directory that is bound into the container. */
export function makeNotifyDirectory(options: RuntimeOptions, id: string): void {
  makeDirectory(options.kernel, `${containerDirectory(options, id)}/${NOTIFY_DIRECTORY}`, DIRECTORY_MODE);
}

/** Waits on the container's socket and tells the service manager, who knows nothing of the pids in there. */
export class NotifyProxy implements Disposable {
  readonly #kernel: Kernel;
  readonly #socket: OwnedFd;
  readonly #manager: OwnedFd;
  #timer: Timer | undefined;

  /** @throws {SyscallError} when nobody listens at `managerPath` */
  constructor(options: RuntimeOptions, id: string, managerPath: string) {
    this.#kernel = options.kernel;
    const path = `${containerDirectory(options, id)}/${NOTIFY_DIRECTORY}`;
    using directory = new OwnedFd(
      options.kernel,
      checkedCall(options.kernel, { doing: `open ${path}`, path }, "openat", AT_FDCWD, path, OPEN_DIRECTORY, 0),
    );
    using manager = connectDatagram(options.kernel, managerPath);
    // A start that failed may have left its own.
    options.kernel.call("unlinkat", directory.number, SOCKET_NAME, 0);
    using socket = listenDatagram(options.kernel, directory, SOCKET_NAME);
    options.kernel.call("fchmodat", directory.number, SOCKET_NAME, SOCKET_MODE);
    this.#socket = socket.move();
    this.#manager = manager.move();
  }

  /** Returns when init is ready, the service manager knows it for its main process, and has said so; or init has ended. */
  wait(initPid: number): void {
    const pidfd = this.#kernel.call("pidfd_open", initPid, 0);
    if (pidfd < 0) return;
    using init = new OwnedFd(this.#kernel, pidfd);
    for (;;) {
      const line = this.#receiveReady();
      if (line !== undefined) {
        this.#tellAndWait(line, initPid);
        return;
      }
      const polled = new Int32Array([this.#socket.number, POLL.POLLIN, init.number, POLL.POLLIN]);
      this.#kernel.call("ppoll", polled, 2, 0, 0, 0);
      // revents of the second: init has ended, and what it said before has been read.
      if (new Uint16Array(polled.buffer)[7] !== 0 && this.#isSilent()) return;
    }
  }

  /** Tells the service manager when the program is ready; this process, which stays, is the main one. */
  follow(mainPid: number): void {
    this.#timer = setInterval(() => {
      const line = this.#receiveReady();
      if (line === undefined) return;
      clearInterval(this.#timer);
      this.#tell(line, mainPid);
    }, POLL_MS);
    this.#timer.unref();
  }

  #isSilent(): boolean {
    const polled = new Int32Array([this.#socket.number, POLL.POLLIN]);
    this.#kernel.call("ppoll", polled, 1, BigInt64Array.of(0n, 0n), 0, 8);
    return new Uint16Array(polled.buffer)[3] === 0;
  }

  /** The first line that says READY, among the messages that are there. */
  #receiveReady(): string | undefined {
    const buffer = new Uint8Array(MESSAGE_BYTES);
    for (;;) {
      const bytes = this.#kernel.call("recvfrom", this.#socket.number, buffer, buffer.length, MSG.MSG_DONTWAIT, 0, 0);
      if (bytes < 0) return undefined;
      const lines = new TextDecoder().decode(buffer.subarray(0, bytes)).split("\n");
      const ready = lines.find((line) => line.startsWith("READY="));
      if (ready !== undefined) return ready;
    }
  }

  #tell(ready: string, mainPid: number): void {
    for (const text of [`${ready}\n`, `MAINPID=${mainPid}\n`]) {
      const payload = new TextEncoder().encode(text);
      this.#kernel.call("sendto", this.#manager.number, payload, payload.length, MSG.MSG_NOSIGNAL, 0, 0);
    }
  }

  /** sd_notify_barrier(3): the other end of the pipe closes when the service manager has worked off what came before. */
  #tellAndWait(ready: string, mainPid: number): void {
    this.#tell(ready, mainPid);
    const pipe = new Int32Array(2);
    checkedCall(this.#kernel, { doing: "make a pipe" }, "pipe2", pipe, OPEN.O_CLOEXEC);
    const [near = -1, far = -1] = pipe;
    using reader = new OwnedFd(this.#kernel, near);
    {
      using writer = new OwnedFd(this.#kernel, far);
      const payload = new TextEncoder().encode("BARRIER=1");
      const doing = "tell the service manager";
      sendWithFd(this.#kernel, this.#manager, { payload, fd: writer, doing }, addressOf);
    }
    const polled = new Int32Array([reader.number, 0]);
    this.#kernel.call("ppoll", polled, 1, BigInt64Array.of(BARRIER_SECONDS, 0n), 0, 8);
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
    this.#socket.close();
    this.#manager.close();
  }
}

const OPEN_DIRECTORY = OPEN.O_PATH + OPEN.O_DIRECTORY + OPEN.O_CLOEXEC;
