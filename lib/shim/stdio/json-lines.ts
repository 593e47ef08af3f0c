/** The outputs of a process, by their names in a log. */
export type StreamName = "stdout" | "stderr";

/** A line that is longer comes in parts of so many bytes; a line's end stands in its last part. */
export const PART_BYTES = 16 * 1024;
/** The longest part when each byte is `\u00xx`, with what stands around it. */
const MAX_ENTRY_BYTES = 6 * PART_BYTES + 256;
const BUFFER_BYTES = 256 * 1024;

const NEWLINE = 0x0a;
const BACKSLASH = 0x5c;
const HEAD = new TextEncoder().encode('{"log":"');
const HEX = new TextEncoder().encode("0123456789abcdef");
const REPLACEMENT = Uint8Array.of(0xef, 0xbf, 0xbd);

/** JSON's two-character escapes: the letter after the backslash, at the place of the byte; 0 for none. */
const LETTERS = escapeLetters();

/**
 * Makes lines of docker's json-file log of one output: `{"log":"…\n","stream":"stdout","time":"…"}`. Bytes that are no UTF-8
 * become U+FFFD. Whole characters stay together where a line is cut.
 */
export class JsonLines {
  readonly #stream: StreamName;
  readonly #take: (lines: Uint8Array) => void;
  readonly #buffer = new Uint8Array(BUFFER_BYTES);
  /** Where the next byte goes, and where the last entry that is whole has ended. */
  #at = 0;
  #whole = 0;
  /** Bytes of the output in the entry that has begun. */
  #raw = 0;
  #tail = new Uint8Array(0);
  /** The beginning of a character whose other bytes are to come. */
  #pending = new Uint8Array(0);

  /** `take` gets one or more whole entries, in memory that is used again when it returns. */
  constructor(stream: StreamName, take: (lines: Uint8Array) => void) {
    this.#stream = stream;
    this.#take = take;
  }

  /** Takes what the process has written; `time` is RFC 3339's. A last line without an end is kept for what follows. */
  push(bytes: Uint8Array, time: string): void {
    this.#stamp(time);
    const input = this.#pending.length === 0 ? bytes : Buffer.concat([this.#pending, bytes]);
    this.#pending = new Uint8Array(0);
    for (let at = 0; at < input.length; ) {
      at = this.#plain(input, at);
      if (this.#raw === PART_BYTES) this.#endEntry();
      else if (at < input.length) at = this.#special(input, at);
    }
    this.#flush();
  }

  /** Hands on what there is of a line, as an entry without an end of its own: whoever watches need not wait for the rest. */
  part(): void {
    if (this.#raw > 0) this.#endEntry();
    this.#flush();
  }

  /** The output has ended, and so has its last line. */
  end(time: string): void {
    this.#stamp(time);
    for (let left = this.#pending.length; left > 0; left--) this.#replace();
    this.#pending = new Uint8Array(0);
    if (this.#raw > 0) this.#endEntry();
    this.#flush();
  }

  #stamp(time: string): void {
    this.#tail = new TextEncoder().encode(`","stream":"${this.#stream}","time":"${time}"}\n`);
  }

  /** Copies what stands for itself, up to the end of a part. Returns where it has stopped. */
  #plain(input: Uint8Array, from: number): number {
    if (this.#raw === 0) this.#begin();
    const end = Math.min(input.length, from + PART_BYTES - this.#raw);
    const copied = copyPlain(input, from, end, this.#buffer, this.#at);
    this.#raw += copied;
    this.#at += copied;
    return from + copied;
  }

  #special(input: Uint8Array, at: number): number {
    const byte = input[at] ?? 0;
    if (byte >= 0x80) return this.#multibyte(input, at);
    const letter = LETTERS[byte] ?? 0;
    if (letter !== 0) {
      this.#buffer[this.#at] = BACKSLASH;
      this.#buffer[this.#at + 1] = letter;
      this.#at += 2;
    } else if (byte === 0x7f) {
      this.#buffer[this.#at++] = byte;
    } else {
      const sequence = Uint8Array.of(BACKSLASH, 0x75, 0x30, 0x30, HEX[Math.floor(byte / 16)] ?? 0, HEX[byte % 16] ?? 0);
      this.#append(sequence, 0, sequence.length);
    }
    this.#raw += 1;
    if (byte === NEWLINE) this.#endEntry();
    return at + 1;
  }

  #multibyte(input: Uint8Array, at: number): number {
    const length = sequenceLength(input, at);
    if (length === INCOMPLETE) {
      this.#pending = input.slice(at);
      return input.length;
    }
    if (this.#raw + Math.max(length, 1) > PART_BYTES) {
      this.#endEntry();
      this.#begin();
    }
    if (length === INVALID) {
      this.#replace();
      return at + 1;
    }
    this.#append(input, at, at + length);
    this.#raw += length;
    return at + length;
  }

  #replace(): void {
    if (this.#raw === 0) this.#begin();
    this.#append(REPLACEMENT, 0, REPLACEMENT.length);
    this.#raw += 1;
  }

  #append(source: Uint8Array, from: number, end: number): void {
    copyBytes(source, from, end, this.#buffer, this.#at);
    this.#at += end - from;
  }

  #begin(): void {
    this.#at = this.#whole;
    this.#append(HEAD, 0, HEAD.length);
  }

  #endEntry(): void {
    this.#append(this.#tail, 0, this.#tail.length);
    this.#whole = this.#at;
    this.#raw = 0;
    if (this.#buffer.length - this.#at < MAX_ENTRY_BYTES) this.#flush();
  }

  /** Hands on the entries that are whole. */
  #flush(): void {
    if (this.#whole === 0) return;
    this.#take(this.#buffer.subarray(0, this.#whole));
    this.#buffer.copyWithin(0, this.#whole, this.#at);
    this.#at -= this.#whole;
    this.#whole = 0;
  }
}

function escapeLetters(): Uint8Array {
  const letters = new Uint8Array(128);
  for (const [char = "", letter = ""] of ["\bb", "\tt", "\nn", "\ff", "\rr", '""', "\\\\"]) {
    letters[char.charCodeAt(0)] = letter.charCodeAt(0);
  }
  return letters;
}

/** Copies bytes up to the first that does not stand for itself. Returns how many. A function of its own: it is compiled. */
function copyPlain(input: Uint8Array, from: number, end: number, buffer: Uint8Array, to: number): number {
  for (let at = from; at < end; at++) {
    const byte = input[at] ?? 0;
    if (byte < 0x20 || byte > 0x7e || byte === 0x22 || byte === BACKSLASH) return at - from;
    buffer[to + at - from] = byte;
  }
  return end - from;
}

/** Some bytes: faster than a view of them and set(). */
function copyBytes(source: Uint8Array, from: number, end: number, buffer: Uint8Array, to: number): void {
  for (let at = from; at < end; at++) buffer[to + at - from] = source[at] ?? 0;
}

const INVALID = 0;
const INCOMPLETE = -1;

/** Unicode § 3.9, table 3-7: how many bytes the character at an offset has. */
function sequenceLength(input: Uint8Array, at: number): number {
  const first = input[at] ?? 0;
  const length = announcedLength(first);
  for (let i = 1; i < length; i++) {
    const byte = input[at + i];
    if (byte === undefined) return INCOMPLETE;
    const [low, high] = i === 1 ? secondByte(first) : ANY;
    if (byte < low || byte > high) return INVALID;
  }
  return length;
}

function announcedLength(first: number): number {
  if (first < 0xc2 || first > 0xf4) return INVALID;
  if (first < 0xe0) return 2;
  return first < 0xf0 ? 3 : 4;
}

type Range = readonly [number, number];

const ANY: Range = [0x80, 0xbf];
const AFTER_E0: Range = [0xa0, 0xbf];
const AFTER_ED: Range = [0x80, 0x9f];
const AFTER_F0: Range = [0x90, 0xbf];
const AFTER_F4: Range = [0x80, 0x8f];

/** No overlong forms, no surrogates, nothing above U+10FFFF. */
function secondByte(first: number): Range {
  switch (first) {
    case 0xe0:
      return AFTER_E0;
    case 0xed:
      return AFTER_ED;
    case 0xf0:
      return AFTER_F0;
    case 0xf4:
      return AFTER_F4;
    default:
      return ANY;
  }
}
