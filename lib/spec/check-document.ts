import { type Fault, SpecError } from "../errors.ts";
import { pointerTo } from "../json-pointer.ts";
import type { Validate } from "./gen/validate-config.js";
import { compareInDocument, isObject, overlaps, splitPointer, valueAt } from "./pointer.ts";
import type { Report, Rule } from "./rule.ts";
import { expectationAt, type Schemas } from "./schema-walk.ts";

/** How a kind of document is checked. */
export interface DocumentType<T> {
  /** Its schema, a file of `schema/`. */
  readonly schema: string;
  /** Whether the schema allows a document; false exactly when `validate` finds violations. */
  readonly isValid: (document: unknown) => boolean;
  readonly validate: Validate;
  readonly schemas: () => Schemas;
  readonly rules: readonly Rule<T>[];
}

/**
 * Checks a parsed document and gives it its type; takes out of it what is the same as absent (`null`, an optional `""`).
 * @throws {SpecError} with every fault, in the order of the document
 */
export function checkDocument<T>(document: unknown, type: DocumentType<T>): T {
  const faults = type.isValid(document) ? [] : shapeFaults(document, type);
  const broken = faults.map((fault) => fault.pointer);
  const report: Report = (pointer, value, problem) => faults.push({ pointer, value, problem });
  for (const rule of type.rules) {
    if (broken.length === 0 || !reads(rule, broken)) rule.check(document as T, "", report);
  }
  if (faults.length > 0) {
    throw new SpecError(faults.sort((a, b) => compareInDocument(document, a.pointer, b.pointer)));
  }
  return document as T;
}

function reads<T>(rule: Rule<T>, pointers: readonly string[]): boolean {
  return rule.reads.some((read) => pointers.some((pointer) => overlaps(read, pointer)));
}

function shapeFaults<T>(document: unknown, type: DocumentType<T>): Fault[] {
  const schemas = type.schemas();
  const expect = (pointer: string) => expectationAt(schemas, type.schema, pointer);
  let pointers = violations(document, type.validate);
  while (dropAbsent(document, pointers, (pointer) => expect(pointer).required)) {
    pointers = violations(document, type.validate);
  }
  return pointers.map((pointer) => ({
    pointer,
    value: valueAt(document, pointer),
    problem: expect(pointer).problem,
  }));
}

/** Where the schema finds something wrong, each place once. */
function violations(document: unknown, validate: Validate): string[] {
  if (validate(document)) return [];
  const pointers = (validate.errors ?? []).map(({ instancePath, params }) => {
    const missing = params?.missingProperty;
    return missing === undefined ? instancePath : pointerTo(instancePath, missing);
  });
  return [...new Set(pointers)];
}

/** Removes what Go's JSON decoder, and with it runc, does not tell from absent; true when there was something. */
function dropAbsent(document: unknown, pointers: readonly string[], isRequired: (pointer: string) => boolean): boolean {
  let dropped = false;
  for (const pointer of pointers) {
    const place = splitPointer(pointer);
    const holder = place === undefined ? undefined : valueAt(document, place.parent);
    if (place === undefined || !isObject(holder) || Array.isArray(holder) || !Object.hasOwn(holder, place.token))
      continue;
    const value = holder[place.token];
    if (value === null || (value === "" && !isRequired(pointer))) {
      delete holder[place.token];
      dropped = true;
    }
  }
  return dropped;
}
