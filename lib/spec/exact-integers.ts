import { pointerTo } from "../json-pointer.ts";
import { isObject } from "./pointer.ts";

/** What JSON.parse() hands to a reviver for a primitive: the text it was written as. */
type Reviver = (this: unknown, key: string, value: unknown, context?: { readonly source?: string }) => unknown;

/** The integers of a JSON text that a double does not hold, by their pointers; slow, for the few texts that have some. */
export function exactIntegers(text: string): ReadonlyMap<string, bigint> {
  const keepExact: Reviver = (_key, value, context) => {
    if (typeof value !== "number" || Number.isSafeInteger(value)) return value;
    const source = context?.source ?? "";
    return /^-?[0-9]+$/.test(source) ? BigInt(source) : value;
  };
  const found = new Map<string, bigint>();
  collect(JSON.parse(text, keepExact as (key: string, value: unknown) => unknown), "", found);
  return found;
}

function collect(value: unknown, at: string, found: Map<string, bigint>): void {
  if (typeof value === "bigint") found.set(at, value);
  if (!isObject(value)) return;
  for (const key of Object.keys(value)) collect(value[key], pointerTo(at, key), found);
}
