import { DEFAULT_SNAPSHOTTER } from "../../lib/client/images/snapshots.ts";
import { type Flag, last } from "../flags.ts";

/** `--snapshotter`. */
export const snapshotterFlag: Flag<string> = {
  summary: "what keeps the unpacked layers",
  kind: "text",
  label: "NAME",
  defaultText: DEFAULT_SNAPSHOTTER,
  parse: (texts) => last(texts) ?? DEFAULT_SNAPSHOTTER,
};
