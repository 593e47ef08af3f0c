import type { Errno } from "../linux/constants/errno.ts";
import type { SyscallName } from "../linux/constants/syscalls.ts";

/** native/program.h, enum operation: what a straight line of system calls cannot express. */
export type OperationName =
  | "store"
  | "openInRoot"
  | "findExecutable"
  | "checkDevice"
  | "checkFilesystem"
  | "checkCwd"
  | "getMode"
  | "findHome"
  | "writeFile"
  | "continue"
  | "runHook"
  | "copyTree";

/** What an instruction does: a system call or an operation of the executor. */
export type CallName = SyscallName | OperationName;

/** Named bits of a flags argument; a table of `lib/linux/constants/`. */
export type FlagTable = Readonly<Record<string, number | bigint>>;

/** Bits, with the table that names them for a reader. */
export interface Flags {
  readonly kind: "flags";
  readonly value: number | bigint;
  readonly names: FlagTable;
}

/** Permission bits, shown in octal. */
export interface Mode {
  readonly kind: "mode";
  readonly value: number;
}

/** A register of the executor: the result of an earlier step, most often a descriptor. */
export interface Register {
  readonly kind: "register";
  readonly name: string;
}

/** A NULL-ended array of pointers to strings (argv, envp, candidates of a search). */
export interface Strings {
  readonly kind: "strings";
  readonly values: readonly string[];
}

/** A pointer inside a structure: to a string, to an array of them, to another structure, or to a place of the same one. */
export interface Pointer {
  readonly at: number;
  readonly to: string | Strings | Struct | { readonly kind: "self"; readonly at: number };
}

/** A structure in the program's memory; `pointers` are filled in when the program gets its place. */
export interface Struct {
  readonly kind: "struct";
  readonly bytes: Uint8Array;
  readonly pointers?: readonly Pointer[];
  /** What a reader sees in place of the bytes. */
  readonly describe: () => string;
}

/** The address of a field of a structure, for `store`. */
export interface Field {
  readonly kind: "field";
  readonly of: Struct;
  readonly at: number;
  readonly name: string;
}

/** An argument of a step: a plain number, a string the kernel reads, or one of the kinds above. */
export type Argument = number | bigint | string | Flags | Mode | Register | Strings | Struct | Field;

/** Why a step is there: completes "cannot …", and points at the property that caused it. */
export interface Purpose {
  /** Verb and object as the user knows it: `mount tmpfs on /dev/shm`. */
  readonly doing: string;
  /** RFC 6901 pointer into config.json, "" for what every container gets. */
  readonly from: string;
  /** The path the work is about, for the log. */
  readonly path?: string;
}

/** One instruction of a program, with its provenance. */
export interface Step {
  readonly call: CallName;
  readonly args: readonly Argument[];
  readonly purpose: Purpose;
  /** Name of the register that takes the result. */
  readonly into?: string;
  /** Errnos that are no failure. */
  readonly tolerated?: readonly Errno[] | "any";
  /** Steps to pass over after success. */
  readonly skip?: number;
  /** Steps to pass over after a tolerated errno. */
  readonly otherwise?: number;
  /** A result of 0 is the end of a file, and a failure. */
  readonly failOnZero?: true;
  /** `skip` applies to the child of clone(2) only. */
  readonly skipOnZero?: true;
  /** What an errno means for this step: said after its text. */
  readonly hints?: Readonly<Partial<Record<Errno, string>>>;
  /** Said instead of the errno's text when the kernel or a check refuses. */
  readonly refusal?: string;
}

/** What the runtime itself does for init: not an instruction, but shown like one. */
export interface RuntimeStep {
  /**
   * `writeFile`: path, text, bytes; `runProgram`: path, argv, with an empty environment; `moveDevice`: name, pid of init,
   * name there, when init waits for it.
   */
  readonly call: "writeFile" | "runProgram" | "moveDevice";
  readonly args: readonly Argument[];
  readonly purpose: Purpose;
}

/** The register with the socket to the runtime; number 0 in native/program.h. */
export const CONTROL = "control";
/** The register with the file of the program, whose second part follows while the first one runs. */
export const PROGRAM = "program";

export function register(name: string): Register {
  return { kind: "register", name };
}

export function flags(value: number | bigint, names: FlagTable): Flags {
  return { kind: "flags", value, names };
}

export function mode(value: number): Mode {
  return { kind: "mode", value };
}

/** close(2) of a register. */
export function close(name: string, purpose: Purpose): Step {
  return { call: "close", args: [register(name)], purpose };
}

/** `step`, then `rest` if the step did not end in one of the tolerated errnos. */
export function whenPossible(step: Step, tolerated: readonly Errno[], rest: readonly Step[]): readonly Step[] {
  return [{ ...step, tolerated, otherwise: rest.length }, ...rest];
}

/** All of `steps`, or `alternative` as soon as one of them ends in one of the tolerated errnos. */
export function allOrElse(
  steps: readonly Step[],
  tolerated: readonly Errno[],
  alternative: readonly Step[],
): readonly Step[] {
  const last = steps.length - 1;
  const attempts = steps.map((step, index): Step => {
    if (index === last) return { ...step, tolerated, skip: alternative.length };
    return { ...step, tolerated, otherwise: last - index };
  });
  return [...attempts, ...alternative];
}

/** `step`, or `alternative` after one of the tolerated errnos. */
export function orElse(step: Step, tolerated: readonly Errno[], alternative: readonly Step[]): readonly Step[] {
  return [{ ...step, tolerated, skip: alternative.length }, ...alternative];
}
