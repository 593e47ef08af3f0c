import type { Outcome } from "../harness/process.ts";
import type { Session } from "./session.ts";

/** Notes how a command failed: exit status, one line on stderr, and which of the wanted texts it says. */
export async function recordFailure(
  session: Session,
  section: string,
  { words, mentions = [] }: { readonly words: readonly string[]; readonly mentions?: readonly string[] },
): Promise<void> {
  const outcome = await session.invoke(words);
  recordFailedOutcome(session, section, { outcome, mentions });
}

/** Notes a failure that has already been seen. */
export function recordFailedOutcome(
  session: Session,
  section: string,
  { outcome, mentions }: { readonly outcome: Outcome; readonly mentions: readonly string[] },
): void {
  const lines = outcome.stderr.split("\n").filter((line) => line.trim() !== "");
  session.remember(section, outcome);
  session.record(section, [
    `exit ${outcome.status}`,
    lines.length === 1 ? "one line on stderr" : `${lines.length === 0 ? "no" : "several"} lines on stderr`,
    ...mentions.map((text) => `${outcome.stderr.includes(text) ? "says" : "does not say"} "${text}"`),
  ]);
}
