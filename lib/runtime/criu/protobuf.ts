/** The few kinds of fields that criu's messages are made of. */
export type Scalar = "bool" | "number" | "text";

export interface Field {
  readonly number: number;
  readonly type: Scalar | Schema;
  readonly repeated?: true;
}

/** A message of rpc.proto: its fields by name. */
export interface Schema {
  readonly [name: string]: Field;
}

type ValueOf<T> = T extends "bool" ? boolean : T extends "text" ? string : T extends Schema ? MessageOf<T> : number;

/** What a message of a schema holds; a field that is not given is not sent. */
export type MessageOf<S> = {
  readonly [K in keyof S]?:
    | (S[K] extends { readonly repeated: true; readonly type: infer T }
        ? readonly ValueOf<T>[]
        : S[K] extends { readonly type: infer T }
          ? ValueOf<T>
          : never)
    | undefined;
};

const VARINT = 0;
const FIXED64 = 1;
const BYTES = 2;
const FIXED32 = 5;
/** The key of a field is its number times this, plus the kind of its encoding. */
const KINDS = 8;
const SEVEN_BITS = 128n;

/** protobuf.dev, Encoding. Fields are written in the order of the schema. */
export function encodeMessage<S extends Schema>(schema: S, message: MessageOf<S>): Uint8Array {
  const values: Readonly<Record<string, unknown>> = message;
  const parts: Uint8Array[] = [];
  for (const [name, field] of Object.entries(schema)) {
    const value = values[name];
    if (value === undefined) continue;
    for (const each of Array.isArray(value) ? value : [value]) parts.push(encodeField(field, each));
  }
  return concatenate(parts);
}

function encodeField({ number, type }: Field, value: unknown): Uint8Array {
  if (type === "bool") return concatenate([key(number, VARINT), varint(value === true ? 1n : 0n)]);
  if (typeof value === "number") return concatenate([key(number, VARINT), varint(BigInt(value))]);
  const bytes = typeof type === "object" ? encodeMessage(type, value as MessageOf<Schema>) : encodeText(value);
  return concatenate([key(number, BYTES), varint(BigInt(bytes.length)), bytes]);
}

function encodeText(value: unknown): Uint8Array {
  if (typeof value !== "string") throw new TypeError("internal error: a field of a message has the wrong type");
  return new TextEncoder().encode(value);
}

function key(number: number, kind: number): Uint8Array {
  return varint(BigInt(number * KINDS + kind));
}

/** Seven bits a byte, the lowest first; a negative number as the 64 bits of its two's complement. */
function varint(value: bigint): Uint8Array {
  const bytes: number[] = [];
  let rest = BigInt.asUintN(64, value);
  while (rest >= SEVEN_BITS) {
    bytes.push(Number((rest % SEVEN_BITS) + SEVEN_BITS));
    rest /= SEVEN_BITS;
  }
  return Uint8Array.from([...bytes, Number(rest)]);
}

function concatenate(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** Reads a message; fields the schema does not know are passed over. @throws {TypeError} when it is cut short */
export function decodeMessage<S extends Schema>(schema: S, bytes: Uint8Array): MessageOf<S> {
  const reader = new Reader(bytes);
  const values: Record<string, unknown> = {};
  while (!reader.atEnd) {
    const tag = Number(reader.varint());
    const value = reader.value(tag % KINDS);
    const found = Object.entries(schema).find(([, { number }]) => number === Math.floor(tag / KINDS));
    if (found === undefined) continue;
    const [name, field] = found;
    const decoded = decodeValue(field, value);
    values[name] = field.repeated === true ? [...((values[name] as unknown[] | undefined) ?? []), decoded] : decoded;
  }
  return values as MessageOf<S>;
}

function decodeValue({ type }: Field, value: bigint | Uint8Array): unknown {
  if (typeof type === "object") return typeof value === "bigint" ? undefined : decodeMessage(type, value);
  if (type === "text") return typeof value === "bigint" ? undefined : new TextDecoder().decode(value);
  if (typeof value !== "bigint") return undefined;
  return type === "bool" ? value !== 0n : Number(BigInt.asIntN(32, value));
}

class Reader {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get atEnd(): boolean {
    return this.#at >= this.#bytes.length;
  }

  varint(): bigint {
    let value = 0n;
    for (let factor = 1n; ; factor *= SEVEN_BITS) {
      const byte = BigInt(this.#take(1)[0] ?? 0);
      value += (byte % SEVEN_BITS) * factor;
      if (byte < SEVEN_BITS) return value;
    }
  }

  value(kind: number): bigint | Uint8Array {
    switch (kind) {
      case VARINT:
        return this.varint();
      case FIXED64:
        return this.#take(8);
      case BYTES:
        return this.#take(Number(this.varint()));
      case FIXED32:
        return this.#take(4);
      default:
        throw new TypeError(`internal error: a message has a field of kind ${kind}`);
    }
  }

  #take(length: number): Uint8Array {
    const end = this.#at + length;
    if (end > this.#bytes.length) throw new TypeError("internal error: a message is cut short");
    const taken = this.#bytes.subarray(this.#at, end);
    this.#at = end;
    return taken;
  }
}
