import { ContainerError } from "../../errors.ts";
import type { LogPlace } from "./log-file.ts";
import { parseLogPlace } from "./log-place.ts";

/** Where containerd wants the standard streams of a process. */
export interface StdioPaths {
  readonly stdin: string;
  readonly stdout: string;
  readonly stderr: string;
  readonly terminal: boolean;
}

/** Where one output goes. */
export type OutputTarget =
  | { readonly kind: "null" }
  /** A FIFO as a client makes it, or a file that was there before. */
  | { readonly kind: "path"; readonly path: string }
  | { readonly kind: "file"; readonly path: string }
  /** A log of both outputs, which the shim writes. */
  | { readonly kind: "json-file"; readonly place: LogPlace }
  | {
      readonly kind: "binary";
      readonly path: string;
      readonly args: readonly string[];
      /** Whether it has to send a byte when it is ready, or may just close the descriptor. */
      readonly needsByte: boolean;
    };

/** A path, or a URI: `fifo://`, `file://`, `json-file://`, `binary://`, `binary-v2://`. @throws {ContainerError} invalid_argument */
export function parseTarget(text: string): OutputTarget {
  if (text === "") return { kind: "null" };
  const match = /^([a-z][a-z0-9+.-]*):\/\//.exec(text);
  if (match === null) return { kind: "path", path: text };
  const url = parseUrl(text);
  const path = decodeURIComponent(url.pathname);
  if (!path.startsWith("/") || path === "/") throw cannotUse(text, "its path must be absolute");
  switch (match[1]) {
    case "fifo":
      return { kind: "path", path };
    case "file":
      return { kind: "file", path };
    case "json-file":
      return { kind: "json-file", place: parsePlace(text, path, url) };
    case "binary":
    case "binary-v2":
      return { kind: "binary", path, args: argumentsOf(url), needsByte: match[1] === "binary-v2" };
    default:
      throw cannotUse(text, "its scheme must be fifo, file, json-file, binary or binary-v2");
  }
}

function parsePlace(text: string, path: string, url: URL): LogPlace {
  try {
    return parseLogPlace(path, [...url.searchParams]);
  } catch (error) {
    throw cannotUse(text, error instanceof Error ? error.message : String(error));
  }
}

/** Whether an output goes to a log that the shim writes. */
export function isLog({ stdout, stderr }: StdioPaths): boolean {
  return [stdout, stderr].some((text) => parseTarget(text).kind === "json-file");
}

/** Each key and each value that is not empty, in their order. */
function argumentsOf(url: URL): readonly string[] {
  return [...url.searchParams].flatMap(([key, value]) => (value === "" ? [key] : [key, value]));
}

function parseUrl(text: string): URL {
  try {
    return new URL(text);
  } catch (error) {
    throw cannotUse(text, error instanceof Error ? error.message : String(error));
  }
}

function cannotUse(text: string, why: string): ContainerError {
  return new ContainerError("invalid_argument", `cannot use ${JSON.stringify(text)} for standard output: ${why}`);
}
