import { ContainerError } from "../errors.ts";
import type { Descriptor } from "./descriptor.ts";
import { findDigest } from "./digest.ts";
import type { Platform } from "./platforms.ts";

/** A descriptor in a document, as JSON has it. */
export interface DescriptorJson {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly platform?: Platform;
}

/** What an index or a manifest refers to. */
export interface References {
  readonly manifests: readonly DescriptorJson[];
  readonly config: DescriptorJson | undefined;
  readonly layers: readonly DescriptorJson[];
}

/** Larger documents are refused, as registries do. */
export const MAX_DOCUMENT_BYTES = 8 * 2 ** 20;

type Json = Readonly<Record<string, unknown>>;

/** @throws {ContainerError} invalid_argument */
export function parseJson(bytes: Uint8Array, what: string): unknown {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch (error) {
    throw invalid(what, "it is no JSON", error);
  }
}

/** image-spec: the descriptors in an index or a manifest. @throws {ContainerError} invalid_argument */
export function parseReferences(value: unknown, what: string): References {
  const document = toObject(value, what);
  const list = (name: string) => toList(document[name], `${what}: ${name}`).map((each) => toDescriptor(each, what));
  const config = document["config"] === undefined ? undefined : toDescriptor(document["config"], what);
  return { manifests: list("manifests"), config, layers: list("layers") };
}

/** image-spec § Image Configuration: the diff ids of the layers, and the platform. @throws {ContainerError} */
export function parseConfig(
  value: unknown,
  what: string,
): { readonly diffIds: readonly string[]; readonly platform: Platform | undefined } {
  const config = toObject(value, what);
  const rootfs = config["rootfs"] === undefined ? {} : toObject(config["rootfs"], what);
  const diffIds = toList(rootfs["diff_ids"], `${what}: rootfs.diff_ids`).map((each) => {
    if (typeof each !== "string" || findDigest(each) === undefined) throw invalid(what, "a diff id is no digest");
    return each;
  });
  const { architecture, os, variant } = config;
  if (typeof architecture !== "string" || typeof os !== "string") return { diffIds, platform: undefined };
  return {
    diffIds,
    platform: { architecture, os, ...(typeof variant === "string" && variant !== "" ? { variant } : {}) },
  };
}

/** An object of a document. @throws {ContainerError} invalid_argument */
export function toObject(value: unknown, what: string): Json {
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw invalid(what, "it is no object");
  return value as Json;
}

/** A list that may be missing. */
export function toList(value: unknown, what: string): readonly unknown[] {
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value)) throw invalid(what, "it is no list");
  return value;
}

/** A list of texts that may be missing. */
export function toTexts(value: unknown, what: string): readonly string[] {
  return toList(value, what).map((each) => {
    if (typeof each !== "string") throw invalid(what, "it is no list of texts");
    return each;
  });
}

function toDescriptor(value: unknown, what: string): DescriptorJson {
  const descriptor = toObject(value, what);
  const { mediaType, digest, size } = descriptor;
  const isWhole = typeof mediaType === "string" && typeof digest === "string" && typeof size === "number";
  if (!isWhole || findDigest(digest) === undefined || !(Number.isSafeInteger(size) && size >= 0))
    throw invalid(what, "a descriptor is not whole");
  // What else a descriptor says stays in it: indexes are written again.
  return { ...descriptor, mediaType, digest, size };
}

/** A descriptor as images have it. */
export function fromJson({ mediaType, digest, size, annotations }: DescriptorJson): Descriptor {
  return { mediaType, digest, size, annotations: new Map(Object.entries(annotations ?? {})) };
}

/** The refusal of a document. */
export function invalid(what: string, why: string, cause?: unknown): ContainerError {
  return new ContainerError("invalid_argument", `cannot read ${what}: ${why}`, { cause });
}
