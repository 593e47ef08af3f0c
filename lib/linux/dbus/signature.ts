import { ContainerError } from "../../errors.ts";

/** D-Bus specification, valid signatures: how deep containers may stand in each other. */
const MAX_DEPTH = 32;

/**
 * The complete types of a signature, in order: `a{sv}u` is `a{sv}` and `u`.
 * @throws {ContainerError} invalid_argument for what is no signature
 */
export function splitSignature(signature: string): readonly string[] {
  const types: string[] = [];
  for (let at = 0; at < signature.length; ) {
    const end = endOfType(signature, at, 0);
    types.push(signature.slice(at, end));
    at = end;
  }
  return types;
}

/** The offset behind the complete type that begins at `at`. */
function endOfType(signature: string, at: number, depth: number): number {
  const letter = signature[at];
  if (letter === undefined || depth > MAX_DEPTH) throw invalid(signature);
  if ("ybnqiuxtdsogvh".includes(letter)) return at + 1;
  if (letter === "a") return endOfType(signature, at + 1, depth + 1);
  const closing = CLOSING[letter];
  if (closing === undefined) throw invalid(signature);
  let end = at + 1;
  while (signature[end] !== closing) end = endOfType(signature, end, depth + 1);
  if (end === at + 1) throw invalid(signature);
  return end + 1;
}

const CLOSING: Readonly<Record<string, string>> = { "(": ")", "{": "}" };

/** The types inside a struct or an entry of a dictionary. */
export function memberTypes(type: string): readonly string[] {
  return splitSignature(type.slice(1, -1));
}

/** D-Bus specification, marshalling: the boundary on which a value of a type begins. */
export function alignmentOf(type: string): number {
  return ALIGNMENTS[type[0] ?? ""] ?? 8;
}

const ALIGNMENTS: Readonly<Record<string, number>> = {
  y: 1,
  g: 1,
  v: 1,
  n: 2,
  q: 2,
  b: 4,
  i: 4,
  u: 4,
  h: 4,
  s: 4,
  o: 4,
  a: 4,
};

function invalid(signature: string): ContainerError {
  return new ContainerError("invalid_argument", `cannot use the D-Bus signature ${JSON.stringify(signature)}`);
}
