const POLL_INTERVAL_MS = 5;
const DEFAULT_DEADLINE_MS = 60_000;

/** Waits until `condition` holds, looking every few milliseconds. @throws {Error} naming `what` after the deadline */
export async function waitUntil(
  what: string,
  condition: () => boolean | Promise<boolean>,
  deadlineMs: number = DEFAULT_DEADLINE_MS,
): Promise<void> {
  const deadline = performance.now() + deadlineMs;
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error(`no ${what} after ${deadlineMs} ms`);
    await Bun.sleep(POLL_INTERVAL_MS);
  }
}
