/**
 * Compiles proto/*.proto to static code in proto/gen, so that no schema is parsed at run time, and writes the declarations
 * for it. Counters of cgroups are a module of their own: they are half of the code, and most tasks are never asked for
 * them. So is what the daemon serves, together with all that it is made of: a shim has no use for it.
 */
import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import protobuf from "protobufjs";
import { ROOT, run } from "./shell.ts";

const PROTO = "proto";
const GEN = "proto/gen";
const SERVICES = "services";
const METRICS = /^metrics-/;

/** What nobody here uses of the generated code. */
const WITHOUT = "create verify convert delimited typeurl service comments".split(" ").map((part) => `--no-${part}`);

/** Writes the modules and their declarations; the same files give the same bytes. */
export async function buildProtobuf(): Promise<void> {
  mkdirSync(join(ROOT, GEN), { recursive: true });
  const files = listProtos(PROTO);
  writeFileSync(join(ROOT, GEN, "types.d.ts"), TYPES);
  await generate(
    "shim",
    files.filter((name) => !METRICS.test(name)),
  );
  await generate(
    "metrics",
    files.filter((name) => METRICS.test(name)),
  );
  const services = listProtos(join(PROTO, SERVICES)).map((name) => join(SERVICES, name));
  await generate("daemon", ["adopt.proto", "events.proto", "runc-options.proto", "task.proto", ...services]);
}

function listProtos(directory: string): readonly string[] {
  return readdirSync(join(ROOT, directory))
    .filter((name) => name.endsWith(".proto"))
    .sort();
}

async function generate(name: string, files: readonly string[]): Promise<void> {
  const out = join(GEN, `${name}.js`);
  const { ok, output } = await run([
    ...[process.execPath, "node_modules/protobufjs-cli/bin/pbjs", "-p", PROTO, "-t", "static-module", "-w", "es6"],
    ...["-r", name, ...WITHOUT, "-o", out, ...files.map((file) => join(PROTO, file))],
  ]);
  if (!ok) throw new Error(`cannot compile ${PROTO}:\n${output}`);
  const root = new protobuf.Root();
  root.resolvePath = (_origin, target) => (target.startsWith(PROTO) ? target : join(PROTO, target));
  await root.load(files.map((file) => join(PROTO, file)));
  const header = 'import type { Codec, Int64 } from "./types.d.ts";\n';
  writeFileSync(join(ROOT, GEN, `${name}.d.ts`), `${header}${declare(root.nestedArray).join("\n")}\n`);
}

/** Namespaces, messages and enumerations as ambient TypeScript. */
function declare(objects: readonly protobuf.ReflectionObject[]): readonly string[] {
  return objects.flatMap((object): readonly string[] => {
    if (object instanceof protobuf.Type) return declareMessage(object);
    if (object instanceof protobuf.Enum) return declareEnum(object);
    if (!(object instanceof protobuf.Namespace) || object instanceof protobuf.Service) return [];
    const inner = declare(object.nestedArray).map((line) => `  ${line}`);
    // `declare` stands at the outermost namespace alone.
    const declared = object.parent instanceof protobuf.Root ? "declare " : "";
    return inner.length === 0 ? [] : [`export ${declared}namespace ${object.name} {`, ...inner, "}"];
  });
}

/** A message, and the types of those that are declared in it. */
function declareMessage(type: protobuf.Type): readonly string[] {
  const { name } = type;
  const inner = type.nestedArray.filter((each) => each instanceof protobuf.Type).flatMap(declareType);
  const nested = inner.length === 0 ? [] : [`export namespace ${name} {`, ...inner.map((line) => `  ${line}`), "}"];
  return [...declareType(type), `export const ${name}: Codec<${name}>;`, ...nested];
}

function declareType({ name, fieldsArray }: protobuf.Type): readonly string[] {
  const fields = fieldsArray.map((field) => `  readonly ${field.name}: ${typeOf(field.resolve())};`);
  return [`export interface ${name} {`, ...fields, "}"];
}

function declareEnum({ name, values }: protobuf.Enum): readonly string[] {
  const entries = Object.entries(values).map(([key, value]) => `readonly ${key}: ${value}`);
  return [`export const ${name}: { ${entries.join("; ")} };`];
}

const SCALARS: Readonly<Record<string, string>> = {
  string: "string",
  bool: "boolean",
  bytes: "Uint8Array",
  uint32: "number",
  int32: "number",
  uint64: "Int64",
  int64: "Int64",
};

function typeOf(field: protobuf.Field): string {
  const { resolvedType } = field;
  const isMessage = resolvedType instanceof protobuf.Type;
  const single = isMessage ? resolvedType.fullName.slice(1) : (SCALARS[field.type] ?? "number");
  if (field.map) return `Readonly<Record<string, ${single}>>`;
  if (field.repeated) return `readonly ${single}[]`;
  return isMessage ? `${single} | null` : single;
}

const TYPES = `/** A 64-bit field: a Long of long.js when decoded; to be encoded, a number will do, or any object of this shape. */
export type Int64 = number | { readonly low: number; readonly high: number; readonly unsigned: boolean };

/** What encode() takes: every field may be left out. */
export type Input<T> = { readonly [K in keyof T]?: InputField<T[K]> | undefined };

type InputField<V> = V extends Int64 | string | boolean | Uint8Array | null
  ? V
  : V extends readonly (infer E)[]
    ? readonly InputField<E>[]
    : Input<V>;

/** A message's static code. */
export interface Codec<T> {
  encode(message: Input<T>): { finish(): Uint8Array };
  /** @throws {Error} for bytes that are no such message */
  decode(bytes: Uint8Array): T;
}
`;

if (import.meta.main) await buildProtobuf();
