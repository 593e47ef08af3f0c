import { SyscallError } from "../errors.ts";
import { errnoSymbol, errnoText } from "./constants/errno.ts";
import type { SyscallName } from "./constants/syscalls.ts";
import type { Kernel, KernelArgument } from "./kernel.ts";

/** A descriptor with an owner: `using` closes it on every way out unless `release()` handed it on. */
export class OwnedFd implements Disposable {
  readonly #kernel: Kernel;
  #number: number | undefined;

  constructor(kernel: Kernel, number: number) {
    this.#kernel = kernel;
    this.#number = number;
  }

  /** The descriptor, still owned by this object. @throws {TypeError} after close or release */
  get number(): number {
    if (this.#number === undefined) throw new TypeError("internal error: use of a closed descriptor");
    return this.#number;
  }

  /** Hands the descriptor over: from here the caller closes it. */
  release(): number {
    const { number } = this;
    this.#number = undefined;
    return number;
  }

  /** Hands the descriptor over to a new owner: what a function that holds it by `using` returns. */
  move(): OwnedFd {
    return new OwnedFd(this.#kernel, this.release());
  }

  /** close(2); its errno says nothing a caller could act on, the descriptor is gone either way. */
  close(): void {
    if (this.#number === undefined) return;
    this.#kernel.call("close", this.#number);
    this.#number = undefined;
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

/** What was being done, for the message of a refusal: completes "cannot …". */
export interface Doing {
  readonly doing: string;
  readonly path?: string;
}

/** Makes a system call. @throws {SyscallError} `cannot <doing>: <errno>` */
export function checkedCall(kernel: Kernel, doing: Doing, name: SyscallName, ...args: KernelArgument[]): number {
  return checkResult(kernel.call(name, ...args), doing, name);
}

/** The result of a system call that was made. @throws {SyscallError} `cannot <doing>: <errno>` when it is an errno */
export function checkResult(result: number, doing: Doing, name: SyscallName): number {
  if (result >= 0) return result;
  throw new SyscallError(`cannot ${doing.doing}: ${errnoText(-result)}`, {
    call: name,
    errno: errnoSymbol(-result),
    path: doing.path,
  });
}

/** Makes a system call whose result is a descriptor. @throws {SyscallError} */
export function openCall(kernel: Kernel, doing: Doing, name: SyscallName, ...args: KernelArgument[]): OwnedFd {
  return new OwnedFd(kernel, checkedCall(kernel, doing, name, ...args));
}
