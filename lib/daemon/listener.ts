import { createServer, type Server, type Socket } from "node:net";
import { ContainerError } from "../errors.ts";
import { errnoNumber, errnoText } from "../linux/constants/errno.ts";
import type { OwnedFd } from "../linux/fd.ts";
import { removeFile } from "../linux/files.ts";
import type { Kernel } from "../linux/kernel.ts";
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

/** Takes connections from a listening socket, which from here belongs to the server. */
export async function acceptFrom(listener: OwnedFd, onConnection: (socket: Socket) => void): Promise<Server> {
  const server = createServer((socket) => {
    // Whoever breaks it off has nobody to be told.
    socket.on("error", () => undefined);
    onConnection(socket);
  });
  const listening = Promise.withResolvers<void>();
  server.once("error", listening.reject);
  server.listen({ fd: listener.release() }, listening.resolve);
  await listening.promise;
  return server;
}
