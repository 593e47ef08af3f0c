const RETRY_DELAY_MS = 5;

/** write(2) to standard output; waits for a reader that is slow. `process.stdout` would cost 10 ms to set up. */
export async function writeStdout(content: string): Promise<void> {
  if (content !== "") await Bun.write(Bun.stdout, content);
}

/** write(2) to standard error, all of it before it returns; what cannot be written is lost. */
export function writeStderr(content: string): void {
  // node:fs costs 1.5 ms to load, so only those who have something to complain about load it.
  const { writeSync } = process.getBuiltinModule("node:fs");
  let rest = Buffer.from(content);
  while (rest.length > 0) {
    try {
      rest = rest.subarray(writeSync(2, rest));
    } catch (error) {
      if (!isAgain(error)) return;
      Bun.sleepSync(RETRY_DELAY_MS);
    }
  }
}

/** Appends to a file, creating it with mode 0644, and waits for the disk as runc does (O_SYNC). */
export function appendToFile(file: string, content: string): void {
  const { closeSync, constants, openSync, writeSync } = process.getBuiltinModule("node:fs");
  const { O_APPEND, O_CREAT, O_SYNC, O_WRONLY } = constants;
  const fd = openSync(file, O_WRONLY + O_APPEND + O_CREAT + O_SYNC, 0o644);
  try {
    writeSync(fd, content);
  } finally {
    closeSync(fd);
  }
}

function isAgain(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "EAGAIN";
}
