import type { LogPlace } from "./log-file.ts";

/** Docker counts in these: powers of 1000. */
const UNITS: Readonly<Record<string, number>> = { "": 1, k: 1e3, m: 1e6, g: 1e9 };
/** Whoever wants more of a log wants larger files. */
const MAX_FILES = 1000;

/**
 * Where a log is, and the options of docker's json-file driver: `max-size`, such as 10m, and `max-file`. Each may be given
 * once. @throws {TypeError} that names the option, its value and what it must be
 */
export function parseLogPlace(path: string, options: readonly (readonly [string, string])[]): LogPlace {
  const seen = new Map<string, string>();
  for (const [name, value] of options) {
    if (name !== "max-size" && name !== "max-file") {
      throw new TypeError(`there is no option ${JSON.stringify(name)}: options are max-size and max-file`);
    }
    if (seen.has(name)) throw new TypeError(`${name} is given twice`);
    seen.set(name, value);
  }
  const size = seen.get("max-size");
  const files = seen.get("max-file");
  if (size === undefined && files !== undefined)
    throw new TypeError("max-file needs max-size: files are full at a size");
  return {
    path,
    maxBytes: size === undefined ? undefined : parseBytes(size),
    maxFiles: files === undefined ? 1 : parseFiles(files),
  };
}

function parseBytes(text: string): number {
  const match = /^([1-9]\d{0,11})([kmg]?)$/i.exec(text);
  const bytes = Number(match?.[1] ?? Number.NaN) * (UNITS[match?.[2]?.toLowerCase() ?? ""] ?? 1);
  if (Number.isSafeInteger(bytes)) return bytes;
  throw new TypeError(`max-size ${JSON.stringify(text)} must be a number of bytes, or one with k, m or g, such as 10m`);
}

function parseFiles(text: string): number {
  const files = /^[1-9]\d{0,3}$/.test(text) ? Number(text) : MAX_FILES + 1;
  if (files <= MAX_FILES) return files;
  throw new TypeError(`max-file ${JSON.stringify(text)} must be a number from 1 to ${MAX_FILES}`);
}
