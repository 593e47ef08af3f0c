import { ContainerError } from "../errors.ts";

/** What a request is about: a namespace and, when it names one, the lease that holds what the request makes. */
export interface Scope {
  readonly namespace: string;
  readonly lease?: string | undefined;
}

/** containerd's identifiers, of namespaces, containers, leases and processes. */
const IDENTIFIER = /^[A-Za-z0-9]+(?:[._-](?:[A-Za-z0-9]+))*$/;
const MAX_IDENTIFIER_CHARS = 76;

/** @throws {ContainerError} invalid_argument; `what` completes `invalid … "x"` */
export function checkIdentifier(what: string, identifier: string): void {
  if (identifier.length > MAX_IDENTIFIER_CHARS) {
    const why = `has ${identifier.length} characters, at most ${MAX_IDENTIFIER_CHARS} are allowed`;
    throw new ContainerError("invalid_argument", `invalid ${what} "${identifier}": it ${why}`);
  }
  if (!IDENTIFIER.test(identifier)) {
    const why = "must be letters and digits, separated by single characters of . _ -";
    throw new ContainerError("invalid_argument", `invalid ${what} "${identifier}": it ${why}`);
  }
}

/** `container "x" in namespace "y": not found`, as clients show it. */
export function notFound(what: string, cause?: unknown): ContainerError {
  return new ContainerError("not_found", `${what}: not found`, { cause });
}

/** `image "x": already exists`, as clients show it. */
export function alreadyExists(what: string): ContainerError {
  return new ContainerError("already_exists", `${what}: already exists`);
}
