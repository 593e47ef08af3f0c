import { ContainerError } from "../errors.ts";

export const DEFAULT_DETACH_KEYS = "ctrl-p,ctrl-q";

const CODES: Readonly<Record<string, number>> = { "@": 0, "[": 27, "\\": 28, "]": 29, "^": 30, _: 31 };
const CONTROL_OF_A = 1;

/** Docker's notation: letters, and `ctrl-` with a letter or one of @[\]^_, with commas between; "" for none. @throws {ContainerError} */
export function parseDetachKeys(text: string): readonly number[] {
  return text === "" ? [] : text.split(",").map(parseKey);
}

function parseKey(key: string): number {
  const [, control] = /^ctrl-(.)$/i.exec(key) ?? [];
  if (control !== undefined) {
    const letter = control.toLowerCase();
    const code = /[a-z]/.test(letter) ? letter.charCodeAt(0) - "a".charCodeAt(0) + CONTROL_OF_A : CODES[letter];
    if (code !== undefined) return code;
  }
  if (key.length === 1 && key >= " " && key <= "~") return key.charCodeAt(0);
  throw new ContainerError("invalid_argument", `unknown key ${JSON.stringify(key)}: must be like a, ctrl-p or ctrl-]`);
}

/** Looks for the keys that detach in what is typed. */
export class DetachScanner {
  readonly #keys: readonly number[];
  #matched = 0;

  constructor(keys: readonly number[]) {
    this.#keys = keys;
  }

  /** What of the bytes goes on to the process now, and whether the keys were typed. The begin of a match is held back. */
  scan(bytes: Uint8Array): { readonly pass: Uint8Array; readonly isDetached: boolean } {
    if (this.#keys.length === 0) return { pass: bytes, isDetached: false };
    const pass: number[] = [];
    for (const byte of bytes) {
      if (byte !== this.#keys[this.#matched]) {
        pass.push(...this.#keys.slice(0, this.#matched));
        this.#matched = 0;
      }
      if (byte !== this.#keys[this.#matched]) pass.push(byte);
      else if (++this.#matched === this.#keys.length) return { pass: Uint8Array.from(pass), isDetached: true };
    }
    return { pass: Uint8Array.from(pass), isDetached: false };
  }
}
