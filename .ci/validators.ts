/**
 * Compiles lib/spec/schema/*.json, so that no schema is read or compiled at run time, to two files in lib/spec/gen:
 *
 * - `is-valid.js` says yes or no. It is the hot path: a start of the runtime that goes well runs nothing else.
 * - `validate-config.js` says what is wrong. Nothing of it is decoded before there is a fault.
 *
 * Both are ajv's standalone code without what nobody reads, which is more than half of it.
 */
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Ajv, type AnySchemaObject } from "ajv";
import standaloneCode from "ajv/dist/standalone/index.js";

const SPEC_DIR = join(import.meta.dirname, "../lib/spec");

/** Part of the exported names → the schema file it checks against. */
const DOCUMENTS = { Config: "config.json", Process: "process.json", Resources: "resources.json" } as const;

/** Writes the validators and their declarations; the same schemas give the same bytes. */
export async function buildValidators(): Promise<void> {
  const schemas = await readSchemas();
  const byFile = Object.fromEntries(schemas.map((schema) => [schema.$id ?? "", schema]));
  const violations = toViolations(compile(schemas, "validate"));
  const files = {
    "is-valid.js": toPredicates(compile(schemas, "is")),
    "is-valid.d.ts": PREDICATE_TYPES,
    "validate-config.js": `${violations}\nexport const schemas = () => (${JSON.stringify(byFile)});\n`,
    "validate-config.d.ts": VALIDATOR_TYPES,
  };
  await mkdir(join(SPEC_DIR, "gen"), { recursive: true });
  for (const [name, text] of Object.entries(files)) await writeFile(join(SPEC_DIR, "gen", name), text);
}

async function readSchemas(): Promise<AnySchemaObject[]> {
  const dir = join(SPEC_DIR, "schema");
  const names = (await readdir(dir)).filter((name) => name.endsWith(".json")).sort();
  return Promise.all(names.map(async (name) => JSON.parse(await readFile(join(dir, name), "utf8"))));
}

/** ajv's code, one statement a line, with a function `prefix` + name for each of `DOCUMENTS`. */
function compile(schemas: AnySchemaObject[], prefix: string): string {
  const ajv = new Ajv({
    schemas,
    allErrors: true,
    messages: false,
    unicodeRegExp: false,
    code: { source: true, esm: true, lines: true, optimize: true },
  });
  const names = Object.fromEntries(Object.entries(DOCUMENTS).map(([name, file]) => [prefix + name, file]));
  const code = standaloneCode(ajv, names)
    .replaceAll(/,schemaPath:"[^"]*",keyword:"\w+"/g, "")
    .replaceAll(/,params:\{(?!missingProperty)(?:"(?:[^"\\]|\\.)*"|[^"}])*\}/g, "")
    .replaceAll(
      /const (err\d+) = (\{.*\});\nif\(vErrors === null\)\{\nvErrors = \[\1\];\n\}\nelse \{\nvErrors\.push\(\1\);\n\}/g,
      "push($2);",
    )
    .replaceAll(
      /\(\(typeof (\w+) == "number"\) && \(!\(\1 % 1\) && !isNaN\(\1\)\)\) && \(isFinite\(\1\)\)/g,
      "Number.isInteger($1)",
    );
  return expectNone(code, /require\(|schemaPath|const err/);
}

/** Leaves of a violation where it is and which property is missing; what is allowed there is looked up in the schema. */
function toViolations(code: string): string {
  return code.replaceAll(/\bpush\((\{.*\})\);/g, "(vErrors ??= []).push($1);");
}

/** Turns "note it and go on" into "return false". */
function toPredicates(code: string): string {
  const predicates = code
    .replaceAll(/\bpush\(\{.*\}\);\nerrors\+\+;/g, "return false;")
    .replaceAll(
      /if\(!\((validate\d+)\((.*), \{instancePath:.*,rootData\}\)\)\)\{\nvErrors = .*\nerrors = .*\n\}/g,
      "if(!$1($2)) return false;",
    )
    .replaceAll(/(function validate\d+\(data), \{instancePath.*\{/g, "$1){")
    .replaceAll(/let vErrors = null;\nlet errors = 0;\n/g, "")
    .replaceAll(/validate\d+\.errors = vErrors;\nreturn errors === 0;/g, "return true;");
  return expectNone(predicates, /vErrors|errors\b|instancePath/);
}

/** Another version of ajv may write other code than the replacements above know. */
function expectNone(code: string, pattern: RegExp): string {
  const line = code.split("\n").find((text) => pattern.test(text));
  if (line !== undefined) throw new TypeError(`internal error: unexpected code from ajv: ${line}`);
  return code;
}

const PREDICATE_TYPES = Object.keys(DOCUMENTS)
  .map((name) => `export declare function is${name}(value: unknown): boolean;\n`)
  .join("");

const VALIDATOR_TYPES = `import type { Schemas } from "../schema-walk.ts";

/** One violation of a schema. */
export interface Violation {
  readonly instancePath: string;
  /** When a property of the object there is missing. */
  readonly params?: { readonly missingProperty: string };
}

export interface Validate {
  (value: unknown): boolean;
  /** The violations of the last call. */
  readonly errors?: readonly Violation[] | null;
}

${Object.keys(DOCUMENTS)
  .map((name) => `export declare const validate${name}: Validate;`)
  .join("\n")}

/** The schemas by file name; built on demand, since only a fault needs them. */
export declare function schemas(): Schemas;
`;

if (import.meta.main) await buildValidators();
