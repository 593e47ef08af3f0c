import { BPF, SECCOMP_DATA, SOCK_FILTER_BYTES } from "../../linux/constants/seccomp.ts";

/** What a filter is asked: `struct seccomp_data` without the instruction pointer. */
export interface SeccompData {
  /** As unsigned 32-bit number. */
  readonly nr: number;
  readonly arch: number;
  readonly args: readonly bigint[];
}

/** Where a run ended. */
export interface Outcome {
  /** What the filter returned. */
  readonly value: number;
  /** How many instructions were executed. */
  readonly steps: number;
}

/** The words of `struct seccomp_data`, little-endian. */
export function encodeData({ nr, arch, args }: SeccompData): Uint32Array {
  const words = new Uint32Array(SECCOMP_DATA.args / 4 + 12);
  words[SECCOMP_DATA.nr / 4] = nr;
  words[SECCOMP_DATA.arch / 4] = arch;
  for (const [index, value] of args.entries()) {
    words[SECCOMP_DATA.args / 4 + 2 * index] = Number(BigInt.asUintN(32, value));
    words[SECCOMP_DATA.args / 4 + 2 * index + 1] = Number(BigInt.asUintN(32, value >> 32n));
  }
  return words;
}

/**
 * linux/filter.h: runs a program of the instructions that seccomp filters are made of; for tests.
 * @throws {RangeError} for any other instruction, and for a jump that leaves the program
 */
export function simulate(program: Uint32Array, data: Uint32Array): Outcome {
  let accumulator = 0;
  let at = 0;
  for (let steps = 1; 2 * at < program.length; steps++) {
    const head = program[2 * at] ?? 0;
    const k = program[2 * at + 1] ?? 0;
    switch (head & 0xffff) {
      case BPF.RET:
        return { value: k, steps };
      case BPF.LOAD:
        accumulator = data[k / 4] ?? 0;
        break;
      case BPF.AND:
        accumulator = (accumulator & k) >>> 0;
        break;
      case BPF.JUMP:
        at += k;
        break;
      default:
        at += compare(head & 0xffff, accumulator, k) ? (head >>> 16) & 0xff : head >>> 24;
    }
    at += 1;
  }
  throw new RangeError(`the program has no instruction ${at}`);
}

/** A copy of `struct sock_filter[]` as pairs of words: code, jt and jf; k. */
export function decodeProgram(program: Uint8Array): Uint32Array {
  if (program.length % SOCK_FILTER_BYTES !== 0) throw new RangeError("half an instruction");
  return new Uint32Array(program.slice().buffer);
}

function compare(code: number, accumulator: number, k: number): boolean {
  switch (code) {
    case BPF.JEQ:
      return accumulator === k;
    case BPF.JGT:
      return accumulator > k;
    case BPF.JGE:
      return accumulator >= k;
    default:
      throw new RangeError(`the code 0x${code.toString(16)} is not used in filters`);
  }
}
