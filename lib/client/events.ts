import { containerd } from "../../proto/gen/daemon.js";
import type { Codec } from "../../proto/gen/types.d.ts";
import { api } from "./api.ts";
import type { Client } from "./client.ts";
import { toMs } from "./time.ts";

/** Something that has happened. */
export interface DaemonEvent {
  readonly timeMs: number;
  readonly namespace: string;
  /** `/tasks/exit`. */
  readonly topic: string;
  /** As JSON has it. */
  readonly event: unknown;
}

/** What happens from now on. */
export async function* watchEvents(client: Client, filters: readonly string[]): AsyncGenerator<DaemonEvent> {
  for await (const { timestamp, namespace, topic, event } of client.stream(api.events.subscribe, { filters })) {
    yield { timeMs: toMs(timestamp) ?? 0, namespace, topic, event: event === null ? {} : decodeAny(event) };
  }
}

/** Payloads have bare type names: the last part is the message, what is before it its package. */
function decodeAny({ typeUrl, value }: { readonly typeUrl: string; readonly value: Uint8Array }): unknown {
  const name = typeUrl.slice(typeUrl.lastIndexOf(".") + 1);
  const known = typeUrl.startsWith("containerd.services.images.v1.")
    ? containerd.services.images.v1
    : containerd.events;
  const isKnown =
    Object.hasOwn(known, name) && (known === containerd.services.images.v1 || typeUrl === `containerd.events.${name}`);
  if (!isKnown) return { typeUrl, bytes: value.length };
  const codec = known[name as keyof typeof known] as Codec<unknown>;
  return toJson(codec.decode(value));
}

/** A message as JSON: numbers of 64 bits, times as texts, bytes by their number; empty fields are left out. */
export function toJson(value: unknown): unknown {
  if (value instanceof Uint8Array) return `${value.length} bytes`;
  if (Array.isArray(value)) return value.map(toJson);
  if (typeof value !== "object" || value === null) return value;
  if ("low" in value && "high" in value) return Number(value);
  if ("seconds" in value && "nanos" in value) {
    const ms = toMs({ seconds: Number(value.seconds), nanos: Number(value.nanos) });
    return ms === undefined ? undefined : new Date(ms).toISOString();
  }
  // protobufjs has empty fields on the prototype, and what was sent on the message itself.
  return Object.fromEntries(Object.entries(value).map(([key, field]) => [key, toJson(field)]));
}
