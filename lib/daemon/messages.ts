import type { containerd, google } from "../../proto/gen/daemon.js";
import type { Input, Int64 } from "../../proto/gen/types.d.ts";
import { ContainerError } from "../errors.ts";
import type { Descriptor } from "../image/descriptor.ts";
import type { FieldMask } from "./field-mask.ts";
import type { Labels } from "./labels.ts";
import type { TypedBytes } from "./metadata/typed-bytes.ts";
import type { Mount } from "./snapshots/driver.ts";

const NS_PER_S = 1_000_000_000n;

/** google.protobuf.Timestamp of a time in nanoseconds since 1970. */
export function toTimestamp(timeNs: bigint): Input<google.protobuf.Timestamp> {
  return { seconds: Number(timeNs / NS_PER_S), nanos: Number(timeNs % NS_PER_S) };
}

export function fromTimestamp({ seconds, nanos }: google.protobuf.Timestamp): bigint {
  return BigInt(String(seconds)) * NS_PER_S + BigInt(nanos);
}

/** A message's map as one of ours. */
export function toMap<V>(record: Readonly<Record<string, V>>): ReadonlyMap<string, V> {
  return new Map(Object.entries(record));
}

export function fromMap<V>(map: ReadonlyMap<string, V>): Readonly<Record<string, V>> {
  return Object.fromEntries(map);
}

export function toLabels(record: Readonly<Record<string, string>>): Labels {
  return toMap(record);
}

/** A 64-bit field that counts bytes. */
export function toNumber(value: Int64): number {
  return Number(value);
}

export function toMask(mask: google.protobuf.FieldMask | null): FieldMask {
  return mask?.paths ?? [];
}

/** A part of a request that has to be there. @throws {ContainerError} invalid_argument */
export function required<T>(value: T | null, what: string): T {
  if (value !== null) return value;
  throw new ContainerError("invalid_argument", `invalid request: it has no ${what}`);
}

export function toDescriptor(descriptor: containerd.types.Descriptor | null): Descriptor {
  const { mediaType, digest, size, annotations } = required(descriptor, "descriptor");
  return { mediaType, digest, size: toNumber(size), annotations: toMap(annotations) };
}

export function fromDescriptor({ mediaType, digest, size, annotations }: Descriptor) {
  return { mediaType, digest, size, annotations: fromMap(annotations) };
}

export function fromMounts(mounts: readonly Mount[]): readonly Input<containerd.types.Mount>[] {
  return mounts.map(({ type, source, options }) => ({ type, source, options }));
}

/** google.protobuf.Any, which is kept as it came. */
export function toTyped({ typeUrl, value }: google.protobuf.Any): TypedBytes {
  return { typeUrl, value };
}
