import type { google } from "../../proto/gen/shim.js";
import type { Input } from "../../proto/gen/types.d.ts";

type Timestamp = Input<google.protobuf.Timestamp>;

/** Go's zero time: what has not happened yet. A field that is left out would be 1970. */
export const NEVER: Timestamp = { seconds: -62_135_596_800, nanos: 0 };

/** google.protobuf.Timestamp of a time in milliseconds since 1970. */
export function toTimestamp(timeMs: number): Timestamp {
  const seconds = Math.floor(timeMs / 1_000);
  return { seconds, nanos: Math.floor((timeMs - seconds * 1_000) * 1e6) };
}

/** Milliseconds since 1970; none is now. */
export function fromTimestamp(timestamp: google.protobuf.Timestamp | null): number {
  if (timestamp === null) return Date.now();
  return Number(timestamp.seconds) * 1_000 + timestamp.nanos / 1e6;
}
