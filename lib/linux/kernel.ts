import { errnoNumber } from "./constants/errno.ts";
import { type Architecture, type SyscallName, syscallNumber } from "./constants/syscalls.ts";
import { addressOf, type Libc, loadLibc, type Word } from "./ffi.ts";

/** An argument of a system call: a number, a string (NUL is added), or memory the kernel reads or writes. */
export type KernelArgument = number | bigint | string | NodeJS.TypedArray;

const INTERRUPTED = errnoNumber("EINTR");

/** The way to the kernel. Callers are given one, so that a test can give them one that only records. */
export interface Kernel {
  readonly architecture: Architecture;
  /** The result of a system call, or the negated errno; one that is interrupted is made again. */
  call(name: SyscallName, ...args: readonly KernelArgument[]): number;
  /** posix_spawn(3): the pid of a child with this argv and an empty environment, or the negated errno. */
  spawn(path: string, argv: readonly string[]): number;
}

/** The kernel this process runs on. libc is loaded at the first call. */
export function openKernel(): Kernel {
  return new LinuxKernel();
}

/** Room for the strings of one call: a path of PATH_MAX for each of two, and more than a message of ours. */
const SCRATCH_BYTES = 64 << 10;

class LinuxKernel implements Kernel {
  readonly architecture: Architecture = process.arch === "arm64" ? "arm64" : "x64";
  #libc: Libc | undefined;
  /** Strings of the call in hand. One buffer for all calls: a new one for each is what a call would cost most. */
  readonly #scratch = new Uint8Array(SCRATCH_BYTES);
  #scratchAddress = 0;
  readonly #text = new TextEncoder();

  call(name: SyscallName, ...args: readonly KernelArgument[]): number {
    const libc = this.#load();
    const words: Word[] = [];
    let used = 0;
    for (let i = 0; i < args.length; i++) {
      const argument = args[i] ?? 0;
      if (typeof argument === "number" || typeof argument === "bigint") words.push(argument);
      else if (typeof argument !== "string") words.push(argument.byteLength === 0 ? 0 : addressOf(argument));
      else {
        words.push(this.#scratchAddress + used);
        used = this.#place(argument, used);
      }
    }
    return perform(libc, name, syscallNumber(name, this.architecture), words);
  }

  spawn(path: string, argv: readonly string[]): number {
    const libc = this.#load();
    const pid = new Int32Array(1);
    const pointers = new BigUint64Array(argv.length + 1);
    let used = this.#place(path, 0);
    argv.forEach((argument, index) => {
      pointers[index] = BigInt(this.#scratchAddress + used);
      used = this.#place(argument, used);
    });
    const error = libc.spawn(pid, this.#scratchAddress, pointers, new BigUint64Array(1));
    return error === 0 ? (pid[0] ?? -errnoNumber("ECHILD")) : -error;
  }

  /** Writes a string with its NUL at an offset of the scratch buffer. Returns the offset after it. */
  #place(text: string, at: number): number {
    if (at >= SCRATCH_BYTES) throw new TypeError("internal error: the strings of a call are too long");
    const { read, written } = this.#text.encodeInto(text, this.#scratch.subarray(at, SCRATCH_BYTES - 1));
    if (read < text.length) throw new TypeError(`internal error: a string of ${text.length} characters is too long`);
    this.#scratch[at + written] = 0;
    return at + written + 1;
  }

  #load(): Libc {
    if (this.#libc === undefined) {
      this.#libc = loadLibc();
      this.#scratchAddress = addressOf(this.#scratch);
    }
    return this.#libc;
  }
}

/** One call, made again as long as it is interrupted. */
function perform(libc: Libc, name: SyscallName, number: number, words: readonly Word[]): number {
  for (;;) {
    const result = libc.syscall(number, words);
    if (result !== -1) return result;
    const errno = libc.errno();
    if (errno !== INTERRUPTED) return -errno;
    // close(2) has closed its descriptor all the same; again, it could close somebody else's.
    if (name === "close") return 0;
  }
}
