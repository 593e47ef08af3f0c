import { ContainerError } from "../errors.ts";
import { errnoNumber, errnoText } from "../linux/constants/errno.ts";
import type { OwnedFd } from "../linux/fd.ts";
import { removeFile } from "../linux/files.ts";
import type { Kernel } from "../linux/kernel.ts";
import { peerCredentials } from "../linux/peer.ts";
import { isListening, listenStream } from "../linux/socket.ts";

/** Listens on a unix socket; what a process that is no more has left is replaced. @throws {ContainerError} */
export function listenAt(kernel: Kernel, path: string): OwnedFd {
  const first = listenStream(kernel, path);
  if (typeof first !== "number") return first;
  if (first !== -errnoNumber("EADDRINUSE")) throw cannotListen(path, errnoText(-first));
  if (isListening(kernel, path)) {
    throw new ContainerError("failed_precondition", `cannot listen on ${path}: another process does`);
  }
  removeFile(kernel, path);
  const second = listenStream(kernel, path);
  if (typeof second === "number") throw cannotListen(path, errnoText(-second));
  return second;
}

function cannotListen(path: string, why: string): ContainerError {
  return new ContainerError("internal", `cannot listen on ${path}: ${why}`);
}

/** Who may connect besides root and this process' own user. */
export interface Admission {
  readonly gid: number;
  readonly warn: (message: string) => void;
}

/**
 * Whether the process at the other end of a connection may be there. The socket's file says so, too; but not when its mode
 * was changed, or when a process of a container's user namespace got hold of it.
 */
export function isAdmitted(kernel: Kernel, fd: number, { gid, warn }: Admission): boolean {
  const peer = peerCredentials(kernel, fd);
  if (peer.uid === 0 || peer.uid === process.geteuid?.() || [peer.gid, ...peer.groups].includes(gid)) return true;
  warn(`refused a connection of process ${peer.pid}: uid ${peer.uid} is not root, nor in group ${gid}`);
  return false;
}
