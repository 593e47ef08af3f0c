import type { BusValue, Variant } from "../constants/dbus.ts";
import { BusReader, BusWriter } from "./marshal.ts";

/** D-Bus specification, message types. */
export const MESSAGE_TYPE = { METHOD_CALL: 1, METHOD_RETURN: 2, ERROR: 3, SIGNAL: 4 } as const;

const LITTLE_ENDIAN = 0x6c;
const PROTOCOL = 1;
const FIXED_BYTES = 16;
/** The specification allows 128 MiB; what systemd tells us is some KiB. */
const MAX_MESSAGE_BYTES = 16 << 20;

/** D-Bus specification, header fields: number and type. */
const FIELDS = {
  path: [1, "o"],
  interface: [2, "s"],
  member: [3, "s"],
  errorName: [4, "s"],
  replySerial: [5, "u"],
  destination: [6, "s"],
  sender: [7, "s"],
  signature: [8, "g"],
} as const;

type FieldName = keyof typeof FIELDS;

/** What is in the header of a message, by the names of the specification. */
export type Header = Partial<Record<Exclude<FieldName, "replySerial">, string>> & { readonly replySerial?: number };

/** A message of D-Bus. */
export interface BusMessage {
  readonly type: number;
  readonly serial: number;
  readonly header: Header;
  readonly body: readonly BusValue[];
}

/** D-Bus specification, message format: the bytes of a message. */
export function encodeMessage({ type, serial, header, body }: BusMessage): Uint8Array {
  const content = new BusWriter();
  content.writeAll(header.signature ?? "", body);
  const bodyBytes = content.bytes;
  const fields = Object.entries(FIELDS).flatMap(([name, [number, signature]]): [number, Variant][] => {
    const value = header[name as FieldName];
    return value === undefined || value === "" ? [] : [[number, { signature, value }]];
  });
  const writer = new BusWriter();
  writer.writeAll("yyyyuua(yv)", [LITTLE_ENDIAN, type, 0, PROTOCOL, bodyBytes.length, serial, fields]);
  writer.align(8);
  return Buffer.concat([writer.bytes, bodyBytes]);
}

/**
 * The length of the message that begins a buffer; undefined until enough of it is there.
 * @throws {TypeError} for what is no message, or one that is too long
 */
export function messageLength(bytes: Uint8Array): number | undefined {
  if (bytes.length < FIXED_BYTES) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes[0] !== LITTLE_ENDIAN || bytes[3] !== PROTOCOL) throw new TypeError("the other side does not speak D-Bus");
  const header = FIXED_BYTES + view.getUint32(12, true);
  const length = Math.ceil(header / 8) * 8 + view.getUint32(4, true);
  if (length > MAX_MESSAGE_BYTES) throw new TypeError(`a D-Bus message has ${length} bytes`);
  return length;
}

/** Reads a complete message. @throws {TypeError} */
export function decodeMessage(bytes: Uint8Array): BusMessage {
  const reader = new BusReader(bytes);
  const [, type, , , , serial, fields] = reader.readAll("yyyyuua(yv)");
  reader.align(8);
  const names = new Map(Object.entries(FIELDS).map(([name, [number]]): [BusValue, string] => [number, name]));
  const entries = (fields as readonly (readonly [number, Variant])[]).flatMap(([number, { value }]) => {
    const name = names.get(number);
    return name === undefined ? [] : [[name, value] as const];
  });
  const header: Header = Object.fromEntries(entries);
  const body = new BusReader(bytes.subarray(reader.offset)).readAll(header.signature ?? "");
  return { type: Number(type), serial: Number(serial), header, body };
}
