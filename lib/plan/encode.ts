import { type Errno, errnoNumber } from "../linux/constants/errno.ts";
import { type Architecture, type SyscallName, syscallNumber } from "../linux/constants/syscalls.ts";
import {
  ARGUMENT_COUNT,
  FAIL_ON_ZERO,
  HEADER_BYTES,
  INSN_ARGS,
  INSN_BYTES,
  NO_REGISTER,
  OPERATIONS,
  PART_ALIGNMENT,
  PROGRAM_BASE,
  PROGRAM_MAGIC,
  PROGRAM_VERSION,
  REGISTER_COUNT,
  REGISTERS_OFFSET,
  SKIP_ON_ZERO,
  TOLERATE_ANY,
  TOLERATED_COUNT,
} from "./layout.ts";
import {
  type Argument,
  type CallName,
  CONTROL,
  type Field,
  type Pointer,
  type Step,
  type Strings,
  type Struct,
} from "./step.ts";

/** A part of a program, ready for the executor. */
export interface Part {
  /** Owned by the caller, who sets the registers it knows before the start. */
  readonly image: Uint8Array;
  /** Where the image stands in the file of the program. */
  readonly offset: number;
  /** How many steps it has and those before it had. */
  readonly steps: number;
  /** The number of each register that was named so far. */
  readonly registers: ReadonlyMap<string, number>;
}

/**
 * Writes steps as a program or, after another part, as its next one (docs/program-format.md). Same steps, same bytes.
 * @throws {TypeError} when the steps need more than REGISTER_COUNT registers
 */
export function encode(steps: readonly Step[], architecture: Architecture, after?: Part): Part {
  const encoder = new Encoder(steps.length, after);
  for (let index = 0; index < steps.length; index++) {
    const step = steps[index];
    if (step !== undefined) encoder.add(step, index, architecture);
  }
  return encoder.finish(steps.length, after?.steps ?? 0);
}

/** Sets the value a register has when the program starts; a register the program never names is ignored. */
export function presetRegister(part: Part, name: string, value: number): void {
  const number = part.registers.get(name);
  if (number === undefined) return;
  const view = new DataView(part.image.buffer, part.image.byteOffset);
  view.setBigInt64(REGISTERS_OFFSET + 8 * number, BigInt(value), true);
}

const INITIAL_BYTES = 64 << 10;
const ALIGNMENT = 8;
const WORD = 4;
/** struct insn, `skip` and `otherwise`: u16. */
const MAX_SKIP = 0xffff;

/**
 * Writes 32-bit words through a typed array: in a process that lives for some milliseconds the methods of DataView are
 * calls that cost more than all the rest. Little-endian, as all machines we run on are. Fresh memory is zero, and what
 * is zero is not written.
 */
class Encoder {
  #bytes = new Uint8Array(INITIAL_BYTES);
  #words = new Uint32Array(this.#bytes.buffer);
  /** Where the next string or structure goes. */
  #end: number;
  readonly #registers: Map<string, number>;
  readonly #offset: number;
  /** What is added to an offset in the image to get an address. */
  readonly #base: number;
  readonly #strings = new Map<string, number>();
  readonly #structs = new Map<Struct, number>();
  readonly #text = new TextEncoder();

  constructor(count: number, after: Part | undefined) {
    this.#registers = new Map(after?.registers ?? [[CONTROL, 0]]);
    const end = after === undefined ? 0 : after.offset + after.image.length;
    this.#offset = PART_ALIGNMENT * Math.ceil(end / PART_ALIGNMENT);
    this.#base = PROGRAM_BASE + this.#offset;
    this.#end = HEADER_BYTES + INSN_BYTES * count;
    this.#reserve(0);
  }

  /** Writes `struct insn` of native/program.h. */
  add(step: Step, index: number, architecture: Architecture): void {
    const at = (HEADER_BYTES + INSN_BYTES * index) / WORD;
    const registers = this.#addArguments(step, at + INSN_ARGS / WORD);
    const into = step.into === undefined ? NO_REGISTER : this.#register(step.into);
    const words = this.#words;
    words[at] = callNumber(step.call, architecture) | (into << 16) | (registers << 24);
    const { skip = 0, otherwise = 0 } = step;
    if (skip > MAX_SKIP || otherwise > MAX_SKIP) throw new TypeError(`internal error: ${step.call} skips too much`);
    words[at + 1] = skip | (otherwise << 16);
    const { tolerated = [] } = step;
    if (tolerated !== "any") writeTolerated(words, at + 2, step.call, tolerated);
    const any = tolerated === "any" ? TOLERATE_ANY : 0;
    const flags = (step.failOnZero ? FAIL_ON_ZERO : 0) | (step.skipOnZero ? SKIP_ON_ZERO : 0) | any;
    if (flags !== 0) words[at + 3] = (words[at + 3] ?? 0) | (flags << 16);
  }

  /** Gives the bits of the arguments that are registers. */
  #addArguments({ call, args }: Step, at: number): number {
    if (args.length > ARGUMENT_COUNT) throw new TypeError(`internal error: ${call} has too many arguments`);
    let registers = 0;
    for (let i = 0; i < args.length; i++) {
      const argument = args[i] ?? 0;
      if (argument === 0) continue;
      if (typeof argument === "object" && argument.kind === "register") registers |= 1 << i;
      // Before the write: placing what the argument points to may replace the memory.
      const value = this.#value(argument);
      writeUint64(this.#words, at + 2 * i, value);
    }
    return registers;
  }

  /** Writes the header and hands the image out. */
  finish(count: number, first: number): Part {
    this.#words.set([PROGRAM_MAGIC, PROGRAM_VERSION, this.#end, count, first, this.#offset]);
    const image = this.#bytes.subarray(0, this.#end);
    return { image, offset: this.#offset, steps: first + count, registers: this.#registers };
  }

  #value(argument: Argument): number | bigint {
    if (typeof argument === "string") return this.#string(argument);
    if (typeof argument !== "object") return argument;
    switch (argument.kind) {
      case "flags":
      case "mode":
        return argument.value;
      case "register":
        return this.#register(argument.name);
      case "strings":
        return this.#array(argument);
      case "struct":
        return this.#struct(argument);
      case "field":
        return this.#field(argument);
    }
  }

  #register(name: string): number {
    const known = this.#registers.get(name);
    if (known !== undefined) return known;
    const number = this.#registers.size;
    if (number >= REGISTER_COUNT) throw new TypeError(`internal error: no register is left for ${name}`);
    this.#registers.set(name, number);
    return number;
  }

  #string(text: string): number {
    const known = this.#strings.get(text);
    if (known !== undefined) return known;
    // A UTF-16 unit takes at most three bytes of UTF-8; one more for the NUL.
    const at = this.#reserve(3 * text.length + 1);
    const { written } = this.#text.encodeInto(text, this.#bytes.subarray(at));
    this.#end = at + written + 1;
    this.#strings.set(text, this.#base + at);
    return this.#base + at;
  }

  #array(argument: Strings): number {
    const addresses = argument.values.map((value) => this.#string(value));
    const at = this.#reserve(8 * (addresses.length + 1));
    this.#end = at + 8 * (addresses.length + 1);
    for (let i = 0; i < addresses.length; i++) writeUint64(this.#words, at / WORD + 2 * i, addresses[i] ?? 0);
    return this.#base + at;
  }

  #struct(argument: Struct): number {
    const known = this.#structs.get(argument);
    if (known !== undefined) return known;
    const at = this.#place(argument.bytes);
    this.#structs.set(argument, this.#base + at);
    for (const pointer of argument.pointers ?? []) {
      const address = this.#address(pointer.to, at);
      writeUint64(this.#words, (at + pointer.at) / WORD, address);
    }
    return this.#base + at;
  }

  #address(to: Pointer["to"], struct: number): number {
    if (typeof to === "string") return this.#string(to);
    if (to.kind === "strings") return this.#array(to);
    return to.kind === "struct" ? this.#struct(to) : this.#base + struct + to.at;
  }

  #field(argument: Field): number {
    return this.#struct(argument.of) + argument.at;
  }

  #place(bytes: Uint8Array): number {
    const at = this.#reserve(bytes.length);
    this.#bytes.set(bytes, at);
    this.#end = at + bytes.length;
    return at;
  }

  /** Makes room for `bytes` at the next aligned offset, which it returns. */
  #reserve(bytes: number): number {
    const at = Math.ceil(this.#end / ALIGNMENT) * ALIGNMENT;
    if (at + bytes > this.#bytes.length) {
      const larger = new Uint8Array(ALIGNMENT * Math.ceil((2 * (at + bytes)) / ALIGNMENT));
      larger.set(this.#bytes);
      this.#bytes = larger;
      this.#words = new Uint32Array(larger.buffer);
    }
    return at;
  }
}

function callNumber(call: CallName, architecture: Architecture): number {
  return isOperation(call) ? OPERATIONS[call] : syscallNumber(call, architecture);
}

function isOperation(call: CallName): call is Exclude<CallName, SyscallName> {
  return Object.hasOwn(OPERATIONS, call);
}

function writeTolerated(words: Uint32Array, at: number, call: CallName, tolerated: readonly Errno[]): void {
  if (tolerated.length > TOLERATED_COUNT) throw new TypeError(`internal error: ${call} tolerates too much`);
  for (let i = 0; i < tolerated.length; i++) {
    const errno = tolerated[i];
    const word = at + (i >> 1);
    if (errno !== undefined) words[word] = (words[word] ?? 0) | (errnoNumber(errno) << (16 * (i & 1)));
  }
}

const TWO_TO_32 = 2 ** 32;

/** Negative numbers are written as the kernel reads them: in two's complement. */
function writeUint64(words: Uint32Array, at: number, value: number | bigint): void {
  if (typeof value === "bigint") {
    words[at] = Number(value & 0xffff_ffffn);
    words[at + 1] = Number((value >> 32n) & 0xffff_ffffn);
    return;
  }
  words[at] = value;
  if (value < 0 || value >= TWO_TO_32) words[at + 1] = Math.floor(value / TWO_TO_32);
}
