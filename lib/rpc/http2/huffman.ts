import { CODE, Http2Error } from "./error.ts";

/** RFC 7541, appendix B: the bits of the code of each byte, and of EOS. The code is canonical: lengths are all of it. */
const CODE_BITS: readonly number[] = [
  [13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28],
  [28, 28, 28, 28, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 28],
  [6, 10, 10, 12, 13, 6, 8, 11, 10, 10, 8, 11, 8, 6, 6, 6],
  [5, 5, 5, 6, 6, 6, 6, 6, 6, 6, 7, 8, 15, 6, 12, 10],
  [13, 6, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7],
  [7, 7, 7, 7, 7, 7, 7, 7, 8, 7, 8, 13, 19, 13, 14, 6],
  [15, 5, 6, 5, 6, 5, 6, 6, 6, 5, 7, 7, 6, 6, 6, 5],
  [6, 7, 6, 5, 5, 6, 7, 7, 7, 7, 7, 15, 11, 14, 13, 28],
  [20, 22, 20, 20, 22, 22, 22, 23, 22, 23, 23, 23, 23, 23, 24, 23],
  [24, 24, 22, 23, 24, 23, 23, 23, 23, 21, 22, 23, 22, 23, 23, 24],
  [22, 21, 20, 22, 22, 23, 23, 21, 23, 22, 22, 24, 21, 22, 23, 23],
  [21, 21, 22, 21, 23, 22, 23, 23, 20, 22, 22, 22, 23, 22, 22, 23],
  [26, 26, 20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25],
  [19, 21, 26, 27, 27, 26, 27, 24, 21, 21, 26, 26, 28, 27, 27, 27],
  [20, 24, 20, 21, 22, 21, 21, 23, 22, 22, 25, 25, 24, 24, 26, 23],
  [26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27, 27, 27, 27, 26],
  [30],
].flat();

const MAX_BITS = 30;
const EOS = 256;

/** The codes of one length: numbers that follow each other. */
interface Row {
  readonly first: number;
  readonly symbols: readonly number[];
}

let rows: readonly Row[] | undefined;

function makeRows(): readonly Row[] {
  const made: Row[] = [];
  let next = 0;
  for (let bits = 0; bits <= MAX_BITS; bits++) {
    const symbols = CODE_BITS.flatMap((own, symbol) => (own === bits ? [symbol] : []));
    made.push({ first: next, symbols });
    next = (next + symbols.length) * 2;
  }
  return made;
}

/** RFC 7541 § 5.2: the text that was coded. @throws {Http2Error} */
export function decodeHuffman(bytes: Uint8Array): string {
  rows ??= makeRows();
  const text: number[] = [];
  let code = 0;
  let bits = 0;
  for (const byte of bytes) {
    for (let shift = 7; shift >= 0; shift--) {
      code = code * 2 + ((byte >> shift) & 1);
      const row = rows[++bits];
      if (row === undefined) throw new Http2Error("a header has a code that is too long", CODE.compressionError);
      const symbol = row.symbols[code - row.first];
      if (symbol === undefined) continue;
      if (symbol === EOS) throw new Http2Error("a header goes on after its end", CODE.compressionError);
      text.push(symbol);
      code = 0;
      bits = 0;
    }
  }
  // What is left of the last byte are ones: the begin of EOS.
  if (bits > 7 || code !== 2 ** bits - 1) throw new Http2Error("a header has a wrong end", CODE.compressionError);
  return Buffer.from(text).toString("latin1");
}
