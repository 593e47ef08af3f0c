/** The one place where TypeScript meets C. */
import { dlopen, FFIType, ptr, read } from "bun:ffi";

const LIBC = "libc.so.6";

/** A 64-bit argument: a number, or the address of memory that stays alive during the call. */
export type Word = number | bigint;

/** The functions of libc that everything else is built from. */
export interface Libc {
  /** syscall(2): -1 and errno on failure. */
  readonly syscall: (number: number, args: readonly Word[]) => number;
  /** errno(3) of the calling thread, to be read at once. */
  readonly errno: () => number;
  /** posix_spawn(3) without actions and attributes: 0, or the errno. */
  readonly spawn: (pid: Int32Array, path: number, argv: BigUint64Array, envp: BigUint64Array) => number;
}

/** Loads the functions; takes about 0.2 ms. */
export function loadLibc(): Libc {
  const word = FFIType.i64;
  const { symbols } = dlopen(LIBC, {
    syscall: { args: [word, word, word, word, word, word, word], returns: FFIType.i64_fast },
    posix_spawn: { args: ["ptr", word, "ptr", "ptr", "ptr", "ptr"], returns: FFIType.i32 },
    __errno_location: { args: [], returns: FFIType.ptr },
  });
  const location = symbols.__errno_location();
  if (location === null) throw new TypeError("internal error: libc has no errno");
  return {
    // By index: taking an array apart by a pattern runs its iterator.
    syscall: (number, args) =>
      Number(
        symbols.syscall(number, args[0] ?? 0, args[1] ?? 0, args[2] ?? 0, args[3] ?? 0, args[4] ?? 0, args[5] ?? 0),
      ),
    errno: () => read.i32(location, 0),
    spawn: (pid, path, argv, envp) => symbols.posix_spawn(ptr(pid), path, null, null, ptr(argv), ptr(envp)),
  };
}

/** The address of a buffer, which the caller keeps alive as long as the kernel may use it. */
export function addressOf(buffer: NodeJS.TypedArray): number {
  return ptr(buffer);
}
