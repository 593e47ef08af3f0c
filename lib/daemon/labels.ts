import { ContainerError } from "../errors.ts";

/** Labels of an object, by their keys. */
export type Labels = ReadonlyMap<string, string>;

/** The labels of what has none. */
export const NO_LABELS: Labels = new Map();

/** containerd: key and value of a label together. */
const MAX_LABEL_BYTES = 4096;
const SHOWN_KEY_CHARS = 10;

/** Checks labels and leaves out those with an empty value, which means deletion. @throws {ContainerError} invalid_argument */
export function checkLabels(labels: Labels): Labels {
  for (const [key, value] of labels) {
    const bytes = Buffer.byteLength(key) + Buffer.byteLength(value);
    if (bytes <= MAX_LABEL_BYTES) continue;
    const shown = key.length <= SHOWN_KEY_CHARS ? key : `${key.slice(0, SHOWN_KEY_CHARS)}…`;
    const why = `key and value have ${bytes} bytes, at most ${MAX_LABEL_BYTES} are allowed`;
    throw new ContainerError("invalid_argument", `invalid label "${shown}": ${why}`);
  }
  return withoutEmpty(labels);
}

function withoutEmpty(labels: Labels): Labels {
  return new Map([...labels].filter(([, value]) => value !== ""));
}

/** Labels as they are stored: JSON, keys in order. */
export function encodeLabels(labels: Labels): string {
  const entries = [...labels].sort(([a], [b]) => (a < b ? -1 : 1));
  return JSON.stringify(Object.fromEntries(entries));
}

/** Labels from how they are stored. */
export function decodeLabels(text: string): Labels {
  const labels: Record<string, string> = JSON.parse(text);
  return new Map(Object.entries(labels));
}
