/** PROTOCOL-HTTP2.md of gRPC, Status-Message: bytes of UTF-8, of which those that are no plain text are %XX. */
export function encodeMessage(text: string): string {
  let encoded = "";
  for (const byte of new TextEncoder().encode(text)) {
    const isPlain = byte >= 0x20 && byte <= 0x7e && byte !== PERCENT;
    encoded += isPlain ? String.fromCharCode(byte) : `%${byte.toString(16).toUpperCase().padStart(2, "0")}`;
  }
  return encoded;
}

/** What `encodeMessage` has encoded. */
export function decodeMessage(text: string): string {
  const bytes = text.replaceAll(/%([0-9A-Fa-f]{2})/g, (_all, hex: string) => String.fromCharCode(Number(`0x${hex}`)));
  return new TextDecoder().decode(Buffer.from(bytes, "latin1"));
}

const PERCENT = 0x25;
