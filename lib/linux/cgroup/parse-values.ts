import type { Pressure, PressureLine } from "./stats.ts";

const DIGITS = /^-?\d+$/;

/** A whole number, with or without a newline; undefined for `max` and everything else. */
export function parseNumber(text: string | undefined): bigint | undefined {
  const digits = text?.trim() ?? "";
  return DIGITS.test(digits) ? BigInt(digits) : undefined;
}

/** Lines `key value`, e.g. memory.stat; others are passed over. */
export function parseKeyed(text: string): ReadonlyMap<string, bigint> {
  const values = new Map<string, bigint>();
  for (const line of text.split("\n")) {
    const [key = "", value] = line.split(" ");
    const number = parseNumber(value);
    if (number !== undefined) values.set(key, number);
  }
  return values;
}

/** Whole numbers with spaces between. */
export function parseNumbers(text: string): readonly bigint[] {
  return text.split(/\s+/).flatMap((word) => parseNumber(word) ?? []);
}

/** cpuset(7), List Format: `0-2,7` → 0, 1, 2, 7. */
export function parseList(text: string): readonly number[] {
  return text
    .trim()
    .split(",")
    .filter((part) => part !== "")
    .flatMap((part) => {
      const [first = 0, last = first] = part.split("-").map(Number);
      return Array.from({ length: last - first + 1 }, (_, index) => first + index);
    });
}

/** kernel.org, PSI: lines `some avg10=0.00 avg60=0.00 avg300=0.00 total=0`; undefined when there is no such line. */
export function parsePressure(text: string): Pressure | undefined {
  const some = parsePressureLine(text, "some");
  const full = parsePressureLine(text, "full");
  if (some === undefined) return undefined;
  // Older kernels have no full line for the processor.
  return { some, full: full ?? { avg10: 0, avg60: 0, avg300: 0, total: 0n } };
}

function parsePressureLine(text: string, kind: string): PressureLine | undefined {
  const line = text.split("\n").find((entry) => entry.startsWith(`${kind} `));
  if (line === undefined) return undefined;
  const fields = new Map(
    line
      .split(" ")
      .map((word) => word.split("="))
      .map(([key = "", value = ""]) => [key, value]),
  );
  const average = (name: string) => Number(fields.get(name) ?? 0);
  return {
    avg10: average("avg10"),
    avg60: average("avg60"),
    avg300: average("avg300"),
    total: parseNumber(fields.get("total")) ?? 0n,
  };
}
