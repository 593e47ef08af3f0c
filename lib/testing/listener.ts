import { openKernel } from "../linux/kernel.ts";
import { listenStream } from "../linux/socket.ts";

/** The descriptor of a new unix socket that listens. */
export function listenerAt(path: string): number {
  const socket = listenStream(openKernel(), path);
  if (typeof socket === "number") throw new Error(`cannot listen on ${path}: errno ${-socket}`);
  return socket.release();
}
