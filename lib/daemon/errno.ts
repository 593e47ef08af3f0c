import { ContainerError } from "../errors.ts";

/** Whether an error of node:fs has one of these errnos. */
export function hasErrno(error: unknown, ...symbols: readonly string[]): boolean {
  return error instanceof Error && "code" in error && symbols.some((symbol) => symbol === error.code);
}

/** Whether there is no room, on the disk or for its owner. */
export function isFull(error: unknown): boolean {
  return hasErrno(error, "ENOSPC", "EDQUOT");
}

/** Gives an error of node:fs a class a client can act on. */
export function wrapFileError(error: unknown, doing: string): unknown {
  if (error instanceof ContainerError) return error;
  const full = isFull(error) || hasErrno(error, "EFBIG");
  return new ContainerError(full ? "resource_exhausted" : "internal", `cannot ${doing}`, { cause: error });
}
