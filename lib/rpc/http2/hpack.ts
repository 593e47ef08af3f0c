import { CODE, Http2Error } from "./error.ts";
import { decodeHuffman } from "./huffman.ts";

/** A field of a header: name and value, one character a byte. */
export type Header = readonly [name: string, value: string];

/** RFC 7541, appendix A; without a value unless one follows. */
const STATIC_TABLE: readonly Header[] = (
  ":authority;:method GET;:method POST;:path /;:path /index.html;:scheme http;:scheme https;:status 200;:status 204;" +
  ":status 206;:status 304;:status 400;:status 404;:status 500;accept-charset;accept-encoding gzip, deflate;" +
  "accept-language;accept-ranges;accept;access-control-allow-origin;age;allow;authorization;cache-control;" +
  "content-disposition;content-encoding;content-language;content-length;content-location;content-range;content-type;" +
  "cookie;date;etag;expect;expires;from;host;if-match;if-modified-since;if-none-match;if-range;if-unmodified-since;" +
  "last-modified;link;location;max-forwards;proxy-authenticate;proxy-authorization;range;referer;refresh;retry-after;" +
  "server;set-cookie;strict-transport-security;transfer-encoding;user-agent;vary;via;www-authenticate"
)
  .split(";")
  .map((entry): Header => {
    const at = entry.indexOf(" ");
    return at < 0 ? [entry, ""] : [entry.slice(0, at), entry.slice(at + 1)];
  });

/** What a decoder says in its settings, or leaves unsaid: RFC 9113, SETTINGS_HEADER_TABLE_SIZE. */
const MAX_TABLE_BYTES = 4096;
/** RFC 7541 § 4.1: what an entry counts besides its texts. */
const ENTRY_BYTES = 32;
/** Nobody sends numbers that are longer. */
const MAX_INTEGER = 2 ** 24;
const MAX_LIST_BYTES = 1 << 18;

/** Fields as literals that are not remembered: it takes no state, and requests are few. */
export function encodeHeaders(headers: readonly Header[]): Uint8Array {
  const bytes: number[] = [];
  for (const [name, value] of headers) {
    bytes.push(0);
    for (const text of [name, value]) {
      writeInteger(bytes, text.length, 7);
      for (let at = 0; at < text.length; at++) bytes.push(text.charCodeAt(at));
    }
  }
  return Uint8Array.from(bytes);
}

/** RFC 7541 § 5.1, into a byte whose bits before the prefix are 0. */
function writeInteger(bytes: number[], value: number, prefix: number): void {
  const limit = 2 ** prefix - 1;
  if (value < limit) {
    bytes.push(value);
    return;
  }
  bytes.push(limit);
  let rest = value - limit;
  for (; rest >= 128; rest = Math.floor(rest / 128)) bytes.push((rest % 128) + 128);
  bytes.push(rest);
}

/** RFC 7541: takes the blocks of one connection apart, in the order in which they came. */
export class HeaderDecoder {
  /** The newest entry is the first. */
  #table: Header[] = [];
  #tableBytes = 0;
  #maxTableBytes = MAX_TABLE_BYTES;
  #block: Uint8Array = new Uint8Array(0);
  #at = 0;

  /** @throws {Http2Error} */
  decode(block: Uint8Array): readonly Header[] {
    this.#block = block;
    this.#at = 0;
    const headers: Header[] = [];
    let size = 0;
    while (this.#at < block.length) {
      const header = this.#next();
      if (header === undefined) continue;
      size += sizeOf(header);
      if (size > MAX_LIST_BYTES) throw new Http2Error("the headers are too long", CODE.enhanceYourCalm);
      headers.push(header);
    }
    return headers;
  }

  /** One representation of RFC 7541 § 6; undefined for one that changes the table's size. */
  #next(): Header | undefined {
    const first = this.#block[this.#at] ?? 0;
    if (first >= 0x80) return this.#entry(this.#integer(7));
    if (first >= 0x40) return this.#remember(this.#literal(6));
    if (first >= 0x20) {
      this.#resize(this.#integer(5));
      return undefined;
    }
    return this.#literal(4);
  }

  #literal(prefix: number): Header {
    const index = this.#integer(prefix);
    const name = index === 0 ? this.#text() : this.#entry(index)[0];
    return [name, this.#text()];
  }

  #entry(index: number): Header {
    const entry = STATIC_TABLE[index - 1] ?? this.#table[index - 1 - STATIC_TABLE.length];
    if (entry === undefined) throw new Http2Error(`no header has the number ${index}`, CODE.compressionError);
    return entry;
  }

  #remember(header: Header): Header {
    this.#table.unshift(header);
    this.#tableBytes += sizeOf(header);
    this.#evict();
    return header;
  }

  #resize(bytes: number): void {
    if (bytes > MAX_TABLE_BYTES) throw new Http2Error(`a header table of ${bytes} bytes`, CODE.compressionError);
    this.#maxTableBytes = bytes;
    this.#evict();
  }

  #evict(): void {
    while (this.#tableBytes > this.#maxTableBytes) {
      const oldest = this.#table.pop();
      if (oldest === undefined) return;
      this.#tableBytes -= sizeOf(oldest);
    }
  }

  #integer(prefix: number): number {
    const limit = 2 ** prefix - 1;
    let value = this.#byte() & limit;
    if (value < limit) return value;
    for (let factor = 1; value < MAX_INTEGER; factor *= 128) {
      const byte = this.#byte();
      value += (byte & 127) * factor;
      if (byte < 128) return value;
    }
    throw new Http2Error("a header has a number that is too long", CODE.compressionError);
  }

  #text(): string {
    const isCoded = (this.#block[this.#at] ?? 0) >= 0x80;
    const length = this.#integer(7);
    const bytes = this.#block.subarray(this.#at, this.#at + length);
    if (bytes.length < length) throw new Http2Error("a header is cut off", CODE.compressionError);
    this.#at += length;
    return isCoded ? decodeHuffman(bytes) : Buffer.from(bytes).toString("latin1");
  }

  #byte(): number {
    const byte = this.#block[this.#at++];
    if (byte === undefined) throw new Http2Error("a header is cut off", CODE.compressionError);
    return byte;
  }
}

function sizeOf([name, value]: Header): number {
  return name.length + value.length + ENTRY_BYTES;
}
