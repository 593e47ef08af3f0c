import type { OperationName } from "./step.ts";

/** native/program.h, in its order: the layout both sides agree on. docs/program-format.md describes it. */
export const PROGRAM_BASE = 0x1000000000;
export const PROGRAM_MAGIC = 0x4e525354;
export const PROGRAM_VERSION = 1;

export const REGISTER_COUNT = 240;
export const NO_REGISTER = 0xff;
export const ARGUMENT_COUNT = 6;
export const TOLERATED_COUNT = 3;

export const OPERATIONS: Readonly<Record<OperationName, number>> = {
  store: 0x8000,
  openInRoot: 0x8001,
  findExecutable: 0x8002,
  checkDevice: 0x8003,
  checkFilesystem: 0x8004,
  checkCwd: 0x8005,
  getMode: 0x8006,
  writeFile: 0x8007,
  runHook: 0x8008,
  copyTree: 0x8009,
  continue: 0x800a,
  findHome: 0x800b,
};

/** struct hook: sizes and offsets in bytes. */
export const HOOK_BYTES = 288;
export const HOOK_INPUT_BYTES = 32;
export const HOOK_TIMEOUT = 40;

/** enum make */
export const MAKE = { MAKE_NOTHING: 0, MAKE_DIRECTORY: 1, MAKE_FILE: 2, MAKE_LIKE: 3 } as const;

/** struct insn, `flags` */
export const FAIL_ON_ZERO = 1;
export const SKIP_ON_ZERO = 2;
export const TOLERATE_ANY = 4;

/** A part of a program stands at an offset of whole pages; 64 KiB are that on every machine. */
export const PART_ALIGNMENT = 64 << 10;

/** struct program: sizes in bytes of the header, of which the registers are the second part, and of struct insn. */
export const REGISTERS_OFFSET = 32;
export const HEADER_BYTES = REGISTERS_OFFSET + 8 * REGISTER_COUNT;
export const INSN_BYTES = 64;
/** Offset of `args` in struct insn. */
export const INSN_ARGS = 16;
