import { MSG, POLL } from "./constants/sockets.ts";
import type { OwnedFd } from "./fd.ts";
import { isErrno } from "./files.ts";
import type { Kernel } from "./kernel.ts";
import { pollFor } from "./readiness.ts";
import { connectStream } from "./socket.ts";

/**
 * Whether whoever listens on a stream socket goes on: a question is answered, or at least not hung up on within a time.
 * To a process that ends one can connect until its last descriptor is closed. @throws {SyscallError}
 */
export function isAnswered(
  kernel: Kernel,
  path: string,
  { question, limitMs }: { readonly question: Uint8Array; readonly limitMs: number },
): boolean {
  using socket = findConnection(kernel, path);
  if (socket === undefined) return false;
  if (kernel.call("sendto", socket.number, question, question.length, MSG.MSG_NOSIGNAL, 0, 0) < 0) return false;
  if (pollFor(kernel, socket, POLL.POLLIN, limitMs) === 0) return true;
  // A hang-up can be read, too: as nothing.
  return kernel.call("recvfrom", socket.number, new Uint8Array(1), 1, 0, 0, 0) > 0;
}

function findConnection(kernel: Kernel, path: string): OwnedFd | undefined {
  try {
    return connectStream(kernel, path);
  } catch (error) {
    if (isErrno(error, "ECONNREFUSED", "ENOENT", "ECONNRESET")) return undefined;
    throw error;
  }
}
