/** The closed set of error classes; the names are those of gRPC's status codes. */
export type ErrorCode =
  | "aborted"
  | "already_exists"
  | "data_loss"
  | "deadline_exceeded"
  | "failed_precondition"
  | "internal"
  | "invalid_argument"
  | "not_found"
  | "out_of_range"
  | "permission_denied"
  | "resource_exhausted"
  | "unavailable"
  | "unimplemented";

/** What a caller can act on: `code` says which action makes sense, the message what could not be done and why. */
export class ContainerError extends Error {
  override readonly name: string = "ContainerError";
  readonly code: ErrorCode;

  constructor(code: ErrorCode, message: string, options?: { readonly cause?: unknown }) {
    super(message, options);
    this.code = code;
  }
}

/** One fault of a config.json. */
export interface Fault {
  /** RFC 6901 JSON pointer of the property, "" for the whole document. */
  readonly pointer: string;
  /** The value found there; undefined when the property is missing. */
  readonly value: unknown;
  /** What is wrong and what is allowed, e.g. `must be one of "pid", "network"`. */
  readonly problem: string;
}

/** A config.json that the runtime-spec does not allow; carries every fault that was found, at least one. */
export class SpecError extends ContainerError {
  override readonly name = "SpecError";
  readonly faults: readonly Fault[];

  constructor(faults: readonly Fault[]) {
    super("invalid_argument", `config.json: ${faults.map(describeFault).join("; ")}`);
    this.faults = faults;
  }
}

/** Where in the work a system call was refused; every field that is known is filled in. */
export interface SyscallDetails {
  /** The system call, e.g. `mount_setattr`. */
  readonly call: string;
  /** Errno symbol, e.g. `EPERM`. */
  readonly errno: string;
  /** The path the call was about, as its user knows it. */
  readonly path?: string | undefined;
  /** RFC 6901 pointer of the config property that caused the call. */
  readonly pointer?: string | undefined;
  /** Which process made the call. */
  readonly process?: string | undefined;
}

/** A system call the kernel refused; `internal` until someone who knows its meaning wraps it. */
export class SyscallError extends ContainerError {
  override readonly name = "SyscallError";
  readonly details: SyscallDetails;

  constructor(message: string, details: SyscallDetails) {
    super("internal", message);
    this.details = details;
  }
}

/** The message of an error followed by those of its causes, each once, joined by ": ". */
export function explain(error: unknown): string {
  const parts: string[] = [];
  for (let link: unknown = error; link !== undefined; link = link instanceof Error ? link.cause : undefined) {
    const text = link instanceof Error ? link.message : String(link);
    if (text !== parts.at(-1)) parts.push(text);
  }
  return parts.join(": ");
}

/** Finds the system call at the bottom of an error's chain of causes. */
export function findSyscall(error: unknown): SyscallDetails | undefined {
  for (let link: unknown = error; link instanceof Error; link = link.cause) {
    if (link instanceof SyscallError) return link.details;
  }
  return undefined;
}

/** Marks a place the types rule out. @throws {TypeError} always */
export function unreachable(value: never): never {
  throw new TypeError(`internal error: unexpected ${JSON.stringify(value)}`);
}

/** `/process/cwd: "tmp": must be an absolute path` */
export function describeFault(fault: Fault): string {
  const value = fault.value === undefined ? "missing" : abbreviate(JSON.stringify(fault.value));
  return `${fault.pointer === "" ? "/" : fault.pointer}: ${value}: ${fault.problem}`;
}

const MAX_VALUE_CHARS = 80;

function abbreviate(text: string): string {
  return text.length <= MAX_VALUE_CHARS ? text : `${text.slice(0, MAX_VALUE_CHARS)}…`;
}
