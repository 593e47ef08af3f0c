import { ContainerError } from "../errors.ts";
import type { OwnedFd } from "../linux/fd.ts";
import { addressOf } from "../linux/ffi.ts";
import type { Kernel } from "../linux/kernel.ts";
import { connectStream, receiveWithFd, sendWithFd } from "../linux/socket.ts";
import type { Seccomp } from "../spec/seccomp.ts";
import { type ContainerProcessState, SECCOMP_FD_NAME, type State } from "../spec/state.ts";

/** config-linux.md § Seccomp, `listenerPath`: brings the descriptor of a filter from its process to its listener. */
export class SeccompListener implements Disposable {
  readonly #kernel: Kernel;
  readonly #seccomp: Seccomp;
  #received: OwnedFd | undefined;

  constructor(kernel: Kernel, seccomp: Seccomp) {
    this.#kernel = kernel;
    this.#seccomp = seccomp;
  }

  /** Receives a message of the program as receive() does, and keeps the descriptor that may come with it. */
  receive(control: OwnedFd, buffer: Uint8Array): Uint8Array {
    const { bytes, fd } = receiveWithFd(this.#kernel, control, buffer, addressOf);
    if (fd !== undefined) {
      this.#received?.close();
      this.#received = fd;
    }
    return bytes;
  }

  /**
   * Sends the state of the process and the descriptor to the listener, on a connection of their own.
   * @throws {ContainerError} when nobody is there: the filter's process would get ENOSYS for ever
   */
  deliver(pid: number, state: State): void {
    const { listenerPath, listenerMetadata } = this.#seccomp;
    using fd = this.#received;
    this.#received = undefined;
    if (fd === undefined || listenerPath === undefined) throw new TypeError("internal error: no seccomp listener");
    const processState: ContainerProcessState = {
      ociVersion: state.ociVersion,
      fds: [SECCOMP_FD_NAME],
      pid,
      ...(listenerMetadata === undefined ? {} : { metadata: listenerMetadata }),
      state,
    };
    const payload = new TextEncoder().encode(JSON.stringify(processState));
    try {
      using connection = connectStream(this.#kernel, listenerPath);
      sendWithFd(this.#kernel, connection, { payload, fd, doing: `send to ${listenerPath}` }, addressOf);
    } catch (error) {
      throw unreachableListener(error);
    }
  }

  [Symbol.dispose](): void {
    this.#received?.close();
    this.#received = undefined;
  }
}

function unreachableListener(cause: unknown): ContainerError {
  return new ContainerError("internal", "cannot reach the seccomp listener (linux.seccomp.listenerPath)", { cause });
}
