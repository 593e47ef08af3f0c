/** RFC 6901: the reference tokens of a pointer. */
export function parsePointer(pointer: string): string[] {
  return pointer
    .split("/")
    .slice(1)
    .map((token) => token.replaceAll("~1", "/").replaceAll("~0", "~"));
}

/** A pointer as its parent and the last token; undefined for the whole document. */
export function splitPointer(pointer: string): { readonly parent: string; readonly token: string } | undefined {
  const token = parsePointer(pointer).at(-1);
  return token === undefined ? undefined : { parent: pointer.slice(0, pointer.lastIndexOf("/")), token };
}

/** The value at a pointer; undefined when there is none. */
export function valueAt(document: unknown, pointer: string): unknown {
  return parsePointer(pointer).reduce((value, token) => property(value, token), document);
}

/** Whether one of two pointers is the other or lies inside it. */
export function overlaps(a: string, b: string): boolean {
  return a === b || a.startsWith(`${b}/`) || b.startsWith(`${a}/`);
}

/** Compares two pointers by where they are in the document; what is missing there comes after what is there. */
export function compareInDocument(document: unknown, a: string, b: string): number {
  const [first, second] = [positions(document, a), positions(document, b)];
  const shared = Math.min(first.length, second.length);
  for (let i = 0; i < shared; i++) {
    const difference = (first[i] ?? 0) - (second[i] ?? 0);
    if (difference !== 0) return difference;
  }
  return first.length - second.length;
}

function positions(document: unknown, pointer: string): number[] {
  let value = document;
  return parsePointer(pointer).map((token) => {
    const keys = isObject(value) ? Object.keys(value) : [];
    const index = keys.indexOf(token);
    value = property(value, token);
    return index === -1 ? keys.length : index;
  });
}

function property(value: unknown, token: string): unknown {
  return isObject(value) && Object.hasOwn(value, token) ? value[token] : undefined;
}

/** Whether `value` is a JSON object or array. */
export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}
