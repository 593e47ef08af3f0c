import { errnoNumber } from "./constants/errno.ts";
import { type Architecture, type SyscallName, syscallNumber } from "./constants/syscalls.ts";
import { addressOf, type Libc, loadLibc, type Word } from "./ffi.ts";

/** An argument of a system call: a number, a string (NUL is added), or memory the kernel reads or writes. */
export type KernelArgument = number | bigint | string | NodeJS.TypedArray;

/** The way to the kernel. Callers are given one, so that a test can give them one that only records. */
export interface Kernel {
  readonly architecture: Architecture;
  /** The result of a system call, or the negated errno. */
  call(name: SyscallName, ...args: readonly KernelArgument[]): number;
  /** posix_spawn(3): the pid of a child with this argv and an empty environment, or the negated errno. */
  spawn(path: string, argv: readonly string[]): number;
}

/** The kernel this process runs on. libc is loaded at the first call. */
export function openKernel(): Kernel {
  return new LinuxKernel();
}

class LinuxKernel implements Kernel {
  readonly architecture: Architecture = process.arch === "arm64" ? "arm64" : "x64";
  #libc: Libc | undefined;

  call(name: SyscallName, ...args: readonly KernelArgument[]): number {
    const libc = this.#load();
    // Strings are copied here and stay referenced until the call is over.
    const memory: Uint8Array[] = [];
    const words = args.map((argument): Word => {
      if (typeof argument === "number" || typeof argument === "bigint") return argument;
      if (typeof argument !== "string") return argument.byteLength === 0 ? 0 : addressOf(argument);
      const bytes = cString(argument);
      memory.push(bytes);
      return addressOf(bytes);
    });
    const result = libc.syscall(syscallNumber(name, this.architecture), words);
    return result === -1 ? -libc.errno() : result;
  }

  spawn(path: string, argv: readonly string[]): number {
    const libc = this.#load();
    const pid = new Int32Array(1);
    const strings = argv.map(cString);
    const pointers = BigUint64Array.from([...strings.map((bytes) => BigInt(addressOf(bytes))), 0n]);
    const error = libc.spawn(pid, cString(path), pointers, new BigUint64Array(1));
    if (strings.length !== argv.length) throw new TypeError("internal error: argv went away");
    return error === 0 ? (pid[0] ?? -errnoNumber("ECHILD")) : -error;
  }

  #load(): Libc {
    this.#libc ??= loadLibc();
    return this.#libc;
  }
}

function cString(text: string): Uint8Array {
  return Buffer.from(`${text}\0`, "utf8");
}
