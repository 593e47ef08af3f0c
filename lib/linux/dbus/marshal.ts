import { type BusValue, isNumberType, NUMBER_TYPES, type NumberType, type Variant } from "../constants/dbus.ts";
import { alignmentOf, memberTypes, splitSignature } from "./signature.ts";

/** Writes values as a message has them: little-endian, each on its boundary. */
export class BusWriter {
  #bytes = new Uint8Array(256);
  #view = new DataView(this.#bytes.buffer);
  #end = 0;

  /** All that was written; of the caller. */
  get bytes(): Uint8Array {
    return this.#bytes.slice(0, this.#end);
  }

  /** Zeros up to a boundary. */
  align(boundary: number): void {
    this.#reserve(Math.ceil(this.#end / boundary) * boundary - this.#end);
  }

  /** One value for each complete type of a signature. @throws {TypeError} for a value of another type */
  writeAll(signature: string, values: readonly BusValue[]): void {
    const types = splitSignature(signature);
    if (types.length !== values.length) throw mismatch(signature, values);
    types.forEach((type, index) => {
      this.write(type, values[index] ?? "");
    });
  }

  /** A value of one complete type. @throws {TypeError} for a value of another type */
  write(type: string, value: BusValue): void {
    this.align(alignmentOf(type));
    if (isNumberType(type)) this.#number(type, value);
    else if (type === "b") this.#uint32(this.#reserve(4), value === true ? 1 : 0);
    else if (type === "d") this.#double(Number(value));
    else if (type === "s" || type === "o") this.#string(value);
    else if (type === "g") this.#signature(value);
    else if (type === "v") this.#variant(value);
    else if (type.startsWith("a")) this.#array(type.slice(1), value);
    else if (Array.isArray(value)) this.writeAll(type.slice(1, -1), value);
    else throw mismatch(type, value);
  }

  #number(type: NumberType, value: BusValue): void {
    const { min, max } = NUMBER_TYPES[type];
    if (typeof value !== "bigint" && !Number.isSafeInteger(value)) throw mismatch(type, value);
    const number = BigInt(value as bigint | number);
    if (number < min || number > max) throw mismatch(type, value);
    const bytes = alignmentOf(type);
    const at = this.#reserve(bytes);
    const unsigned = BigInt.asUintN(8 * bytes, number);
    for (let i = 0; i < bytes; i++) this.#bytes[at + i] = Number((unsigned >> BigInt(8 * i)) & 0xffn);
  }

  #string(value: BusValue): void {
    if (typeof value !== "string" || value.includes("\0")) throw mismatch("s", value);
    const text = new TextEncoder().encode(value);
    this.#uint32(this.#reserve(4), text.length);
    const at = this.#reserve(text.length + 1);
    this.#bytes.set(text, at);
  }

  #signature(value: BusValue): void {
    if (typeof value !== "string" || value.length > 255) throw mismatch("g", value);
    const at = this.#reserve(value.length + 2);
    this.#bytes[at] = value.length;
    this.#bytes.set(new TextEncoder().encode(value), at + 1);
  }

  #variant(value: BusValue): void {
    if (!isVariant(value)) throw mismatch("v", value);
    this.#signature(value.signature);
    this.write(value.signature, value.value);
  }

  /** The length counts from the first element: not the padding before it. */
  #array(type: string, value: BusValue): void {
    if (!Array.isArray(value)) throw mismatch(`a${type}`, value);
    const length = this.#reserve(4);
    this.align(alignmentOf(type));
    const start = this.#end;
    for (const item of value) this.write(type, item);
    this.#uint32(length, this.#end - start);
  }

  #double(value: number): void {
    const at = this.#reserve(8);
    this.#view.setFloat64(at, value, true);
  }

  #uint32(at: number, value: number): void {
    this.#view.setUint32(at, value, true);
  }

  /** Gives the offset of that many new bytes, which are zero. The memory may be another one afterwards. */
  #reserve(bytes: number): number {
    const at = this.#end;
    this.#end += bytes;
    if (this.#end > this.#bytes.length) {
      const larger = new Uint8Array(2 * this.#end);
      larger.set(this.#bytes.subarray(0, at));
      this.#bytes = larger;
      this.#view = new DataView(larger.buffer);
    }
    return at;
  }
}

function isVariant(value: BusValue): value is Variant {
  return typeof value === "object" && !Array.isArray(value);
}

function mismatch(type: string, value: unknown): TypeError {
  return new TypeError(`internal error: ${String(value)} is no D-Bus value of the type ${type}`);
}

/** Reads values of a message. Numbers of 64 bits are bigint, others number; what is cut off is a TypeError. */
export class BusReader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** Passes over the padding up to a boundary. */
  align(boundary: number): void {
    this.#at = Math.ceil(this.#at / boundary) * boundary;
  }

  /** How many bytes were read. */
  get offset(): number {
    return this.#at;
  }

  /** One value for each complete type of a signature. */
  readAll(signature: string): readonly BusValue[] {
    return splitSignature(signature).map((type) => this.read(type));
  }

  /** A value of one complete type. @throws {TypeError} */
  read(type: string): BusValue {
    this.align(alignmentOf(type));
    if (isNumberType(type)) return this.#number(type);
    if (type === "b") return this.#view.getUint32(this.#take(4), true) !== 0;
    if (type === "h") return this.#view.getUint32(this.#take(4), true);
    if (type === "d") return this.#view.getFloat64(this.#take(8), true);
    if (type === "s" || type === "o") return this.#text(this.#view.getUint32(this.#take(4), true));
    if (type === "g") return this.#text(this.#view.getUint8(this.#take(1)));
    if (type === "v") return this.#variant();
    if (type.startsWith("a")) return this.#array(type.slice(1));
    return memberTypes(type).map((member) => this.read(member));
  }

  #number(type: NumberType): number | bigint {
    const bytes = alignmentOf(type);
    const at = this.#take(bytes);
    let value = 0n;
    for (let i = bytes - 1; i >= 0; i--) value = (value << 8n) | BigInt(this.#bytes[at + i] ?? 0);
    const exact = NUMBER_TYPES[type].min < 0n ? BigInt.asIntN(8 * bytes, value) : value;
    return bytes === 8 ? exact : Number(exact);
  }

  #text(length: number): string {
    const at = this.#take(length + 1);
    return new TextDecoder().decode(this.#bytes.subarray(at, at + length));
  }

  #variant(): Variant {
    const signature = this.#text(this.#view.getUint8(this.#take(1)));
    const types = splitSignature(signature);
    const [type] = types;
    if (type === undefined || types.length > 1) throw new TypeError("a D-Bus variant is no single value");
    return { signature, value: this.read(type) };
  }

  #array(type: string): readonly BusValue[] {
    const length = this.#view.getUint32(this.#take(4), true);
    this.align(alignmentOf(type));
    const end = this.#at + length;
    if (end > this.#bytes.length) throw new TypeError("a D-Bus message is cut off");
    const values: BusValue[] = [];
    while (this.#at < end) values.push(this.read(type));
    return values;
  }

  #take(bytes: number): number {
    const at = this.#at;
    this.#at += bytes;
    if (this.#at > this.#bytes.length) throw new TypeError("a D-Bus message is cut off");
    return at;
  }
}
