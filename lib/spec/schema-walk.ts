import { parsePointer } from "./pointer.ts";

/** The parts of a JSON Schema that `schema/*.json` use. */
export interface Schema {
  readonly $ref?: string;
  readonly type?: string;
  readonly description?: string;
  readonly enum?: readonly string[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly additionalProperties?: Schema;
  readonly items?: Schema;
  readonly required?: readonly string[];
  readonly definitions?: Readonly<Record<string, Schema>>;
}

/** Schema files by name. */
export type Schemas = Readonly<Record<string, Schema>>;

/** What the schema says about one place of a document. */
export interface Expectation {
  /** `must be …` */
  readonly problem: string;
  readonly required: boolean;
}

/** Looks up what `file` and the schemas it refers to allow at `pointer`. */
export function expectationAt(schemas: Schemas, file: string, pointer: string): Expectation {
  let place = resolve(schemas, file, { $ref: file });
  let required = true;
  for (const token of parsePointer(pointer)) {
    const { schema } = place;
    required = schema.required?.includes(token) ?? false;
    const next = schema.properties?.[token] ?? schema.additionalProperties ?? schema.items;
    if (next === undefined) throw new TypeError(`internal error: the schema says nothing about ${pointer}`);
    place = resolve(schemas, place.file, next);
  }
  return { problem: describeSchema(place.schema), required };
}

interface Place {
  readonly file: string;
  readonly schema: Schema;
}

function resolve(schemas: Schemas, file: string, schema: Schema): Place {
  if (schema.$ref === undefined) return { file, schema };
  const [path = "", definition] = schema.$ref.split("#/definitions/");
  const target = path === "" ? file : path;
  const found = definition === undefined ? schemas[target] : schemas[target]?.definitions?.[definition];
  if (found === undefined) throw new TypeError(`internal error: no schema ${schema.$ref}`);
  return resolve(schemas, target, found);
}

function describeSchema(schema: Schema): string {
  if (schema.description !== undefined) return schema.description;
  if (schema.enum !== undefined) return `must be one of ${quoteAll(schema.enum)}`;
  return schema.type === "array" ? "must be an array" : "must be an object";
}

function quoteAll(values: readonly string[]): string {
  return values.map((value) => JSON.stringify(value)).join(", ");
}
