import { ContainerError } from "../lib/errors.ts";

/** A command line that the program does not understand; its reader wants to see the usage. */
export class UsageError extends ContainerError {
  override readonly name = "UsageError";
  /** The option or command nobody knows, so that a near one can be suggested. */
  readonly unknown: { readonly kind: "command" | "flag"; readonly name: string } | undefined;

  constructor(message: string, options?: { readonly cause?: unknown; readonly unknown?: UsageError["unknown"] }) {
    super("invalid_argument", message, options);
    this.unknown = options?.unknown;
  }
}
