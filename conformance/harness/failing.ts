import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** failing.txt: `NAME: REASON` a line, `#` for remarks. @throws {Error} for a line without a reason */
export function parseFailing(text: string): ReadonlyMap<string, string> {
  const entries = new Map<string, string>();
  for (const line of text.split("\n")) {
    if (line.trim() === "" || line.startsWith("#")) continue;
    const at = line.lastIndexOf(": ");
    if (at < 0) throw new Error(`failing.txt: no reason in ${JSON.stringify(line)}`);
    entries.set(line.slice(0, at), line.slice(at + 2).trim());
  }
  return entries;
}

/** Whether the reason of a listed failure is a matter of time, so that it may as well pass. */
export function isSometimes(reason: string): boolean {
  return reason.startsWith("sometimes, ");
}

/**
 * What a suite knows to fail with a runtime: failing.txt in its folder is the list for tsrun, failing.NAME.txt that for
 * another one. Without a list there is nothing known.
 */
export function loadFailing(folder: string, runtime: string): ReadonlyMap<string, string> {
  const path = join(folder, runtime === "tsrun" ? "failing.txt" : `failing.${runtime}.txt`);
  return existsSync(path) ? parseFailing(readFileSync(path, "utf8")) : new Map();
}
