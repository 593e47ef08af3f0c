const POLL_INTERVAL_MS = 3;
const DEADLINE_MS = 60_000;

/** Waits until `condition` holds. @throws {Error} naming `what` when it does not in time */
export async function waitUntil(
  what: string,
  condition: () => boolean | Promise<boolean>,
  deadlineMs: number = DEADLINE_MS,
): Promise<void> {
  const deadline = performance.now() + deadlineMs;
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error(`no ${what} after ${deadlineMs} ms`);
    await Bun.sleep(POLL_INTERVAL_MS);
  }
}
