import { ContainerError } from "../errors.ts";
import { isAnswered } from "../linux/answered.ts";
import { errnoNumber, errnoText } from "../linux/constants/errno.ts";
import { LOCK } from "../linux/constants/files.ts";
import { checkedCall, type OwnedFd } from "../linux/fd.ts";
import { makeDirectories, openDirectory, readText, removeFile } from "../linux/files.ts";
import type { Kernel } from "../linux/kernel.ts";
import { isListening, listenStream } from "../linux/socket.ts";
import { encodeFrame, FRAME } from "../rpc/ttrpc/frame.ts";

/** Where all shims of a host have their sockets, whatever containerd's own directories are. */
export const SOCKET_DIRECTORY = "/run/containerd/s";

/** Annotations that put several containers into one shim, the first of which counts. */
const GROUP_ANNOTATIONS = ["io.containerd.runc.v2.group", "io.kubernetes.cri.sandbox-id"];

/** What a shim's address is made from. */
export interface ShimIdentity {
  /** containerd's address. */
  readonly address: string;
  readonly namespace: string;
  /** The container's id. */
  readonly id: string;
}

/** The name of the shim a container belongs to: its own, or that of a group. @throws {ContainerError} */
export function groupOf(kernel: Kernel, bundle: string, id: string): string {
  const annotations = readAnnotations(kernel, `${bundle}/config.json`);
  for (const name of GROUP_ANNOTATIONS) {
    const group = annotations[name];
    if (typeof group === "string" && group !== "") return group;
  }
  return id;
}

function readAnnotations(kernel: Kernel, path: string): Readonly<Record<string, unknown>> {
  const text = readText(kernel, path);
  try {
    const config: unknown = JSON.parse(text);
    const annotations = typeof config === "object" && config !== null && "annotations" in config && config.annotations;
    // Any object will do: a value that is no string names no group.
    return typeof annotations === "object" && annotations !== null ? (annotations as Record<string, unknown>) : {};
  } catch (error) {
    throw cannotParse(path, error);
  }
}

function cannotParse(path: string, cause: unknown): ContainerError {
  return new ContainerError("invalid_argument", `cannot parse ${path}`, { cause });
}

/** The path of a shim's socket: of a length that does not depend on the names. */
export function socketPath({ address, namespace, id }: ShimIdentity, directory = SOCKET_DIRECTORY): string {
  const name = `${address}/${namespace}/${id}`.replaceAll(/\/+/g, "/");
  return `${directory}/${new Bun.CryptoHasher("sha256").update(name).digest("hex")}`;
}

/**
 * Listens on a shim's socket; undefined when a shim does already, which then is the group's. What a dead shim has left is
 * replaced, and one that is about to end waited for. @throws {ContainerError}
 */
export function claimSocket(kernel: Kernel, path: string): OwnedFd | undefined {
  for (;;) {
    const claimed = tryToClaim(kernel, path);
    if (claimed !== undefined) return claimed;
    // Not under the lock: a shim that has just been started takes its time.
    if (isServed(kernel, path)) return undefined;
  }
}

/** Listens; undefined when somebody else does. */
function tryToClaim(kernel: Kernel, path: string): OwnedFd | undefined {
  const parent = path.slice(0, path.lastIndexOf("/"));
  makeDirectories(kernel, parent, 0o700);
  // Of several that find the same socket stale, one replaces it.
  using directory = openDirectory(kernel, parent);
  checkedCall(kernel, { doing: `lock ${parent}` }, "flock", directory.number, LOCK.LOCK_EX);
  const socket = listenStream(kernel, path);
  if (typeof socket !== "number") return socket;
  if (socket !== -errnoNumber("EADDRINUSE")) throw cannotListen(path, socket);
  if (isListening(kernel, path)) return undefined;
  removeFile(kernel, path);
  const second = listenStream(kernel, path);
  if (typeof second === "number") throw cannotListen(path, second);
  return second;
}

/** A request for nothing, which every server of ttrpc answers. */
const QUESTION = encodeFrame(1, FRAME.request, 0, new Uint8Array());
/** One that takes longer hangs, but is there. */
const ANSWER_MS = 5_000;

/** Whether a shim serves a socket, and is not about to end. */
export function isServed(kernel: Kernel, path: string): boolean {
  return isAnswered(kernel, path, { question: QUESTION, limitMs: ANSWER_MS });
}

function cannotListen(path: string, result: number): ContainerError {
  return new ContainerError("internal", `cannot listen on ${path}: ${errnoText(-result)}`);
}
