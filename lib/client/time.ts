import type { google } from "../../proto/gen/daemon.js";

/** google.protobuf.Timestamp in milliseconds since 1970; undefined for none, and for Go's zero time. */
export function toMs(timestamp: google.protobuf.Timestamp | null): number | undefined {
  if (timestamp === null) return undefined;
  const seconds = Number(timestamp.seconds);
  return seconds > 0 ? seconds * 1000 + timestamp.nanos / 1e6 : undefined;
}
