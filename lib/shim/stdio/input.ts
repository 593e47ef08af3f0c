import type { OwnedFd } from "../../linux/fd.ts";
import { hasHadWriter, isFifo, openFifoReader, openFifoWriter, setBlocking } from "../../linux/fifo.ts";
import { openFile } from "../../linux/files.ts";
import type { Kernel } from "../../linux/kernel.ts";
import { openNull } from "./output.ts";

/**
 * Standard input of a program that reads from the client's FIFO itself. It ends when the client closes its end. Until a
 * client has opened it, an end of our own keeps it from looking ended; that one CloseIO closes.
 */
export class DirectInput implements Disposable {
  readonly #kernel: Kernel;
  readonly #path: string;
  /** For the program. */
  readonly reader: OwnedFd;
  #keeper: OwnedFd | undefined;
  #isPrepared = false;
  #isAttached = false;

  /** `reader` is one that the program has already. @throws {SyscallError} */
  constructor(kernel: Kernel, path: string, reader?: OwnedFd) {
    this.#kernel = kernel;
    this.#path = path;
    if (reader !== undefined) this.reader = reader;
    else if (path === "") this.reader = openNull(kernel);
    else if (isFifo(kernel, path)) this.reader = openFifoReader(kernel, path);
    else this.reader = openFile(kernel, path, 0);
  }

  /** To be called right before the program reads: the client has had the time since this was opened. */
  prepare(): void {
    this.#isPrepared = true;
    if (this.#path !== "" && isFifo(this.#kernel, this.#path)) {
      if (!hasHadWriter(this.#kernel, this.reader)) this.#keeper = openFifoWriter(this.#kernel, this.#path);
      setBlocking(this.#kernel, this.reader);
    }
    this.#closeReader();
  }

  /** The program has a copy of its own. Of init that is before prepare(), of an exec after it. */
  attach(): void {
    this.#isAttached = true;
    this.#closeReader();
  }

  #closeReader(): void {
    if (this.#isPrepared && this.#isAttached) this.reader.close();
  }

  /** tasks.proto, CloseIO */
  closeWriter(): void {
    this.#keeper?.close();
    this.#keeper = undefined;
  }

  [Symbol.dispose](): void {
    this.reader.close();
    this.closeWriter();
  }
}
