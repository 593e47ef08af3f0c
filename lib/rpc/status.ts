import { ContainerError, type ErrorCode, explain } from "../errors.ts";

/** gRPC's status codes that a call of ours can end with; ttrpc uses the same numbers. */
export const CODE = {
  ok: 0,
  unknown: 2,
  invalid_argument: 3,
  deadline_exceeded: 4,
  not_found: 5,
  already_exists: 6,
  permission_denied: 7,
  resource_exhausted: 8,
  failed_precondition: 9,
  aborted: 10,
  out_of_range: 11,
  unimplemented: 12,
  unavailable: 14,
  data_loss: 15,
} as const;

/** What the other side is told of a failure. */
export interface Status {
  readonly code: number;
  readonly message: string;
}

/**
 * google.rpc.Status: an error as it goes over the wire. What has no class that a caller can act on is UNKNOWN, as it is
 * for containerd, which says so of every failure of a runtime.
 */
export function toStatus(error: unknown): Status {
  const code = error instanceof ContainerError ? codeOf(error.code) : CODE.unknown;
  return { code, message: explain(error) };
}

function codeOf(code: ErrorCode): number {
  return code === "internal" ? CODE.unknown : CODE[code];
}

/** The error that a status from the other side stands for. */
export function fromStatus({ code, message }: Status): ContainerError {
  const found = Object.entries(CODE).find(([, number]) => number === code)?.[0];
  const known = found === undefined || found === "unknown" || found === "ok" ? "internal" : found;
  // The keys of CODE but the two above are all codes of errors.
  return new ContainerError(known as ErrorCode, message === "" ? `the call ended with code ${code}` : message);
}
