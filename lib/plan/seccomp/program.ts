import { ContainerError } from "../../errors.ts";
import { BPF, BPF_MAXINSNS, SOCK_FILTER_BYTES } from "../../linux/constants/seccomp.ts";

/** An instruction, by its distance to the end of the program: 1 is the last one. */
export type Label = number;

/** jt and jf are eight bits. */
const MAX_BRANCH = 255;
/** Where a program is given up that has outgrown the kernel's limit; the message says how far it came. */
const MAX_COUNT = 1 << 16;

/**
 * A BPF program written from its end, so that the target of every jump is known when the jump is written. Targets that
 * are too far for a branch are brought nearer, by a copy of a return or by an unconditional jump.
 */
export class Program {
  /** `struct sock_filter` as two words, the last instruction at the end. */
  #words = new Uint32Array(2 * 1024);
  #count = 0;
  /** The nearest copy of each return. */
  readonly #returns = new Map<number, Label>();
  /** The nearest jump to an instruction. */
  readonly #jumps = new Map<Label, Label>();

  get count(): number {
    return this.#count;
  }

  /** A return of `value`, a new one when there is none near. */
  ret(value: number): Label {
    const known = this.#returns.get(value);
    if (known !== undefined && this.#count - known < MAX_BRANCH) return known;
    const label = this.#write(BPF.RET, value);
    this.#returns.set(value, label);
    return label;
  }

  /** Goes to `yes` if the accumulator compares with `k` as `code` says, else to `no`. */
  branch(code: number, k: number, yes: Label, no: Label): Label {
    let [near, other] = [yes, no];
    for (;;) {
      // What is written for one target moves the other one away.
      if (this.#count - near > MAX_BRANCH) near = this.#bringNear(near);
      else if (this.#count - other > MAX_BRANCH) other = this.#bringNear(other);
      else return this.#write(code | ((this.#count - near) << 16) | ((this.#count - other) << 24), k);
    }
  }

  /** Puts a word of `struct seccomp_data` into the accumulator and goes on with `next`. */
  load(offset: number, next: Label): Label {
    this.#fallTo(next);
    return this.#write(BPF.LOAD, offset);
  }

  /** Masks the accumulator and goes on with `next`. */
  and(mask: number, next: Label): Label {
    this.#fallTo(next);
    return this.#write(BPF.AND, mask);
  }

  /**
   * The program as the kernel takes it; it begins with the instruction that was written last.
   * @throws {ContainerError} resource_exhausted when the kernel would not take it
   */
  finish(): Uint8Array {
    if (this.#count > BPF_MAXINSNS) throw tooLarge(String(this.#count));
    return new Uint8Array(this.#words.slice(this.#words.length - 2 * this.#count).buffer);
  }

  #bringNear(target: Label): Label {
    const at = this.#words.length - 2 * target;
    if (this.#words[at] === BPF.RET) return this.ret(this.#words[at + 1] ?? 0);
    const known = this.#jumps.get(target);
    if (known !== undefined && this.#count - known <= MAX_BRANCH) return known;
    const label = this.#jump(target);
    this.#jumps.set(target, label);
    return label;
  }

  #fallTo(next: Label): void {
    if (next !== this.#count) this.#jump(next);
  }

  #jump(target: Label): Label {
    return this.#write(BPF.JUMP, this.#count - target);
  }

  #write(code: number, k: number): Label {
    if (2 * this.#count === this.#words.length) this.#grow();
    this.#count += 1;
    const at = this.#words.length - 2 * this.#count;
    this.#words[at] = code;
    this.#words[at + 1] = k;
    return this.#count;
  }

  #grow(): void {
    if (this.#count >= MAX_COUNT) throw tooLarge(`more than ${MAX_COUNT}`);
    const larger = new Uint32Array(2 * this.#words.length);
    larger.set(this.#words, this.#words.length);
    this.#words = larger;
  }
}

function tooLarge(count: string): ContainerError {
  const limit = `a filter can have ${BPF_MAXINSNS}`;
  return new ContainerError(
    "resource_exhausted",
    `cannot compile the seccomp profile: ${count} instructions, ${limit}`,
  );
}

/** How many instructions a program has. */
export function instructionCount(program: Uint8Array): number {
  return program.length / SOCK_FILTER_BYTES;
}
