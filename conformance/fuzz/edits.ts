import fc from "fast-check";

/** JSON, as JSON.parse() gives it. */
export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

/** One change of a document: which of its nodes, and what becomes of it. */
export interface Edit {
  /** Counts the nodes of the document from its root; beyond the last one it begins again. */
  readonly node: number;
  readonly action: "replace" | "remove" | "duplicate" | "add";
  readonly key: string;
  readonly value: Json;
}

/** Values at the edges of what types, kernels and parsers take. */
const ODD_VALUES: readonly Json[] = [
  null,
  true,
  false,
  0,
  -1,
  1,
  0.5,
  1e21,
  2 ** 31,
  2 ** 32,
  2 ** 53,
  2 ** 63,
  "",
  " ",
  "/",
  ".",
  "..",
  "../..",
  "//x//../..",
  "a\nb",
  "nul\u0000",
  "\ud800",
  "ünï",
  "%s%n",
  "x".repeat(5000),
  "/".repeat(4096),
  [],
  {},
  [null],
  [[]],
  { "": 0 },
];

/** Names that a property can have in the specification, in JavaScript, or nowhere. */
const ODD_KEYS: readonly string[] = [
  "",
  "__proto__",
  "constructor",
  "toString",
  "path",
  "type",
  "options",
  "linux",
  "hooks",
  "rlimits",
  "uidMappings",
  "limit",
  "unified",
];

const edit: fc.Arbitrary<Edit> = fc.record({
  node: fc.nat(5000),
  action: fc.constantFrom("replace", "replace", "remove", "duplicate", "add"),
  key: fc.oneof(fc.constantFrom(...ODD_KEYS), fc.string({ maxLength: 8 })),
  value: fc.oneof(
    { weight: 4, arbitrary: fc.constantFrom(...ODD_VALUES) },
    { weight: 2, arbitrary: fc.integer() },
    { weight: 2, arbitrary: fc.string({ maxLength: 40 }) },
    { weight: 1, arbitrary: fc.jsonValue() as fc.Arbitrary<Json> },
  ),
});

/** A few changes of one document. */
export const edits: fc.Arbitrary<readonly Edit[]> = fc.array(edit, { minLength: 1, maxLength: 4 });

/** A place in a document: the object or array that holds it, and under which name. */
interface Place {
  readonly holder: Json[] | { [key: string]: Json };
  readonly key: string | number;
  readonly pointer: string;
}

function placesIn(holder: Json, pointer: string, into: Place[]): Place[] {
  if (typeof holder !== "object" || holder === null) return into;
  for (const key of Object.keys(holder)) {
    const place = { holder, key: Array.isArray(holder) ? Number(key) : key, pointer: `${pointer}/${key}` };
    into.push(place);
    placesIn(valueAt(place), place.pointer, into);
  }
  return into;
}

function valueAt({ holder, key }: Pick<Place, "holder" | "key">): Json {
  return (holder as Record<string | number, Json>)[key] ?? null;
}

function setAt({ holder, key }: Pick<Place, "holder" | "key">, value: Json): void {
  // Not by assignment, which `__proto__` would divert.
  Object.defineProperty(holder, key, { value, enumerable: true, configurable: true, writable: true });
}

/** Gives a changed copy; places that `isSpared` says yes to stay as they are. */
export function applyEdits(
  document: Json,
  changes: readonly Edit[],
  isSpared: (pointer: string) => boolean = () => false,
): Json {
  const copy = structuredClone(document);
  for (const change of changes) {
    const places = placesIn(copy, "", []).filter(({ pointer }) => !isSpared(pointer));
    const place = places[change.node % Math.max(places.length, 1)];
    // A value that is put in twice must not hold itself.
    if (place !== undefined) applyEdit(place, { ...change, value: structuredClone(change.value) });
  }
  return copy;
}

function applyEdit(place: Place, { action, key, value }: Edit): void {
  const { holder } = place;
  if (action === "replace") setAt(place, value);
  else if (action === "remove" && Array.isArray(holder)) holder.splice(Number(place.key), 1);
  else if (action === "remove") delete (holder as Record<string, Json>)[place.key];
  else if (action === "duplicate" && Array.isArray(holder)) holder.push(structuredClone(valueAt(place)));
  else if (Array.isArray(holder)) holder.push(value);
  else setAt({ holder, key }, value);
}
