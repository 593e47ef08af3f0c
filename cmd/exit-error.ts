/** A failure that has an exit status of its own; its cause is what is said. */
export class ExitError extends Error {
  readonly status: number;

  constructor(status: number, cause: unknown) {
    super("", { cause });
    this.status = status;
  }
}
