import { errnoNumber } from "../constants/errno.ts";
import { AT_FDCWD, OPEN, RESOLVE } from "../constants/files.ts";
import { checkedCall, checkResult, OwnedFd } from "../fd.ts";
import type { Kernel } from "../kernel.ts";
import { type BytePath, toKernel, toText } from "./paths.ts";

/** How links on the way are taken. */
export const RESOLUTION = {
  /** As if the directory were the root: no link and no ".." leads out of it. For trees whose links have a meaning. */
  inRoot: RESOLVE.RESOLVE_IN_ROOT | RESOLVE.RESOLVE_NO_MAGICLINKS,
  /** No link at all: for names that were read off the tree itself, which somebody may be changing. */
  noLinks: RESOLVE.RESOLVE_BENEATH | RESOLVE.RESOLVE_NO_SYMLINKS | RESOLVE.RESOLVE_NO_MAGICLINKS,
} as const;

/** Flags of a descriptor that only names a directory, and of one that its names can be read from. */
export const DIRECTORY = {
  handle: OPEN.O_PATH | OPEN.O_DIRECTORY,
  readable: OPEN.O_RDONLY | OPEN.O_DIRECTORY,
} as const;

/** Opens a directory by its path on the host, to look below it. @throws {SyscallError} */
export function openRoot(kernel: Kernel, path: string): OwnedFd {
  const flags = DIRECTORY.handle | OPEN.O_CLOEXEC;
  return new OwnedFd(kernel, checkedCall(kernel, { doing: `open ${path}`, path }, "openat", AT_FDCWD, path, flags, 0));
}

/** How a path below a directory is opened. */
export interface How {
  readonly flags: number;
  readonly resolve: number;
}

/** openat2(2) below a directory; "" is the directory itself. @throws {SyscallError} */
export function openBelow(kernel: Kernel, root: number, path: BytePath, how: How): OwnedFd {
  const doing = { doing: `open ${toText(path)}`, path: toText(path) };
  return new OwnedFd(kernel, checkResult(tryOpenBelow(kernel, root, path, how), doing, "openat2"));
}

/** A rename or a mount anywhere makes the kernel unsure of a path with ".." (EAGAIN): it is asked again, so often. */
const MAX_TRIES = 1000;
const AGAIN = -errnoNumber("EAGAIN");

/** openat2(2) below a directory: the descriptor, which the caller closes, or the negated errno. */
export function tryOpenBelow(kernel: Kernel, root: number, path: BytePath, { flags, resolve }: How): number {
  const how = BigUint64Array.of(BigInt(flags | OPEN.O_CLOEXEC), 0n, BigInt(resolve));
  const bytes = toKernel(path === "" ? "." : path);
  let result = AGAIN;
  for (let tries = 0; tries < MAX_TRIES && result === AGAIN; tries++) {
    result = kernel.call("openat2", root, bytes, how, how.byteLength);
  }
  return result;
}
