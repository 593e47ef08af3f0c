import { ContainerError } from "../errors.ts";
import { openCall } from "../linux/fd.ts";
import { addressOf } from "../linux/ffi.ts";
import type { Kernel } from "../linux/kernel.ts";
import { connectStream, sendWithFd } from "../linux/socket.ts";

/** What runc sends along with the descriptor; engines read and drop it. */
const PAYLOAD = "pidfd";

/** pidfd_open(2) of a child, sent to a unix socket by SCM_RIGHTS: one message with one descriptor. @throws {ContainerError} */
export function sendPidfd(kernel: Kernel, path: string, pid: number): void {
  try {
    using connection = connectStream(kernel, path);
    using fd = openCall(kernel, { doing: `open a pidfd of ${pid}` }, "pidfd_open", pid, 0);
    const payload = new TextEncoder().encode(PAYLOAD);
    sendWithFd(kernel, connection, { payload, fd, doing: `send to ${path}` }, addressOf);
  } catch (error) {
    throw cannotSend(path, error);
  }
}

function cannotSend(path: string, cause: unknown): ContainerError {
  return new ContainerError("internal", `cannot send the pidfd to ${path}`, { cause });
}
