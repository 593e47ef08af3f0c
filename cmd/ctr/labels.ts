import { toMs } from "../../lib/client/time.ts";
import type { google } from "../../proto/gen/daemon.js";

/** Labels as people read them: `a=1,b=2`. */
export function labelsText(labels: Readonly<Record<string, string>>): string {
  return Object.entries(labels)
    .map(([key, value]) => `${key}=${value}`)
    .toSorted()
    .join(",");
}

/** `KEY=VALUE` as people write it; without a value it is empty. @throws {TypeError} */
export function parseLabels(texts: readonly string[]): Readonly<Record<string, string>> {
  return Object.fromEntries(
    texts.map((text) => {
      const equals = text.indexOf("=");
      const key = equals < 0 ? text : text.slice(0, equals);
      if (key === "") throw new TypeError(`${JSON.stringify(text)} must be KEY=VALUE`);
      return [key, equals < 0 ? "" : text.slice(equals + 1)];
    }),
  );
}

/** A time as JSON has it. */
export function timeText(timestamp: google.protobuf.Timestamp | null): string | undefined {
  const ms = toMs(timestamp);
  return ms === undefined ? undefined : new Date(ms).toISOString();
}
