import { ContainerError } from "../errors.ts";

/** A request's field mask; no path means that all fields that may change do. */
export type FieldMask = readonly string[];

/**
 * A map after one path of a field mask: `labels` replaces it, `labels.K` one entry, where K is all that follows the dot.
 * Undefined when the path is about another field.
 */
export function maskMap<V>(
  field: string,
  path: string,
  { from, to }: { readonly from: ReadonlyMap<string, V>; readonly to: ReadonlyMap<string, V> },
): ReadonlyMap<string, V> | undefined {
  if (path === field) return to;
  if (!path.startsWith(`${field}.`)) return undefined;
  const key = path.slice(field.length + 1);
  const result = new Map(from);
  const value = to.get(key);
  if (value === undefined) result.delete(key);
  else result.set(key, value);
  return result;
}

/** Labels after a field mask that may name nothing else. @throws {ContainerError} invalid_argument */
export function maskLabels(
  mask: FieldMask,
  what: string,
  maps: { readonly from: ReadonlyMap<string, string>; readonly to: ReadonlyMap<string, string> },
): ReadonlyMap<string, string> {
  if (mask.length === 0) return maps.to;
  let { from } = maps;
  for (const path of mask) {
    const next = maskMap("labels", path, { from, to: maps.to });
    if (next === undefined) throw unknownField(path, what);
    from = next;
  }
  return from;
}

/** The refusal of a field mask that names what cannot change. */
export function unknownField(path: string, what: string): ContainerError {
  return new ContainerError("invalid_argument", `cannot update field "${path}" of ${what}`);
}
