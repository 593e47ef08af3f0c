import { ContainerError, type ErrorCode } from "../../lib/errors.ts";

/** A failure whose reader can be told what to do next. */
export class AdvisedError extends ContainerError {
  override readonly name = "AdvisedError";
  readonly advice: string;

  constructor(code: ErrorCode, message: string, options: { readonly advice: string; readonly cause?: unknown }) {
    super(code, message, options);
    this.advice = options.advice;
  }
}

/** What to do after an error of the connection, or of the daemon, that no command knows better; undefined: no advice. */
export function adviceFor(error: unknown, address: string): string | undefined {
  if (error instanceof AdvisedError) return error.advice;
  if (!(error instanceof ContainerError)) return undefined;
  switch (error.code) {
    case "unavailable":
      return `start the daemon (tsrund --address ${address}), or name another one's socket: tsctr --address PATH`;
    case "permission_denied":
      return "run this as root, or give the socket to a group of yours (gid in tsrund's configuration)";
    case "unimplemented":
      return `the daemon at ${address} does not serve this: tsctr version says which one it is`;
    default:
      return undefined;
  }
}
