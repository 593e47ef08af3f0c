import type { Labels } from "../labels.ts";
import { instantOf, type Node, node } from "./references.ts";

const CONDITIONAL = "containerd.io/gc.cond.snapshot";
const USED_AT = "containerd.io/gc.cond.value-usedat";

/** A snapshot that an image or a blob needs as long as something holds of it. */
export interface Condition {
  readonly snapshot: Node;
  /** Whether it holds of a snapshot that was used at a time, in nanoseconds since 1970. */
  readonly holds: (usedNs: bigint, now: bigint) => boolean;
}

/**
 * What `gc.cond.snapshot.SNAPSHOTTER` says: `usedat<24h|KEY`, with several conditions before the key one is enough. What
 * cannot be understood keeps nothing.
 */
export function conditionsOf(namespace: string, labels: Labels): readonly Condition[] {
  return [...labels].flatMap(([key, value]) => {
    if (!key.startsWith(CONDITIONAL)) return [];
    const [snapshotter = ""] = key
      .slice(CONDITIONAL.length)
      .replace(/^[./]+/, "")
      .split("/");
    const end = value.indexOf("|");
    if (end < 0) return [];
    const snapshot = node("snapshot", namespace, snapshotter, value.slice(end + 1));
    return value
      .slice(0, end)
      .split(",")
      .flatMap((text) => {
        const holds = parseUsedAt(text);
        return holds === undefined ? [] : [{ snapshot, holds }];
      });
  });
}

/** When a snapshot was used, as its labels say: the value of its conditions. */
export function usesOf(labels: Labels): readonly bigint[] {
  return [...labels].flatMap(([key, value]) => {
    const at = key.startsWith(USED_AT) ? instantOf(value) : undefined;
    return at === undefined ? [] : [at];
  });
}

/** `usedat<24h`: used within that time; `usedat>24h`: not any more. */
function parseUsedAt(text: string): Condition["holds"] | undefined {
  const [, operator, duration = ""] = /^usedat([<>])([^=].*)$/.exec(text) ?? [];
  const limitNs = parseDuration(duration);
  if (operator === undefined || limitNs === undefined) return undefined;
  return operator === "<" ? (used, now) => now - used < limitNs : (used, now) => now - used > limitNs;
}

const UNITS_NS = { ns: 1, us: 1e3, µs: 1e3, μs: 1e3, ms: 1e6, s: 1e9, m: 60e9, h: 3600e9 } as const;
const DURATION = /^([+-]?)((?:(?:\d+\.?\d*|\.\d+)(?:ns|us|µs|μs|ms|s|m|h))+)$/;
const PART = /(\d+\.?\d*|\.\d+)(ns|us|µs|μs|ms|s|m|h)/g;

/** A duration as Go writes it, `1h30m`, in nanoseconds. */
function parseDuration(text: string): bigint | undefined {
  if (/^[+-]?0$/.test(text)) return 0n;
  const [, sign, parts = ""] = DURATION.exec(text) ?? [];
  if (sign === undefined) return undefined;
  let sum = 0;
  for (const [, amount, unit] of parts.matchAll(PART)) sum += Number(amount) * UNITS_NS[unit as keyof typeof UNITS_NS];
  return BigInt(Math.round(sign === "-" ? -sum : sum));
}
