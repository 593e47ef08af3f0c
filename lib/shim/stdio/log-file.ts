import { ContainerError, explain } from "../../errors.ts";
import { errnoNumber, errnoText } from "../../linux/constants/errno.ts";
import { FILE_TYPE, OPEN } from "../../linux/constants/files.ts";
import { checkedCall, type OwnedFd } from "../../linux/fd.ts";
import { exists, findStatus, makeDirectories, openFile, renameFile } from "../../linux/files.ts";
import type { Kernel } from "../../linux/kernel.ts";

/** Where a log is kept, and how much of it. */
export interface LogPlace {
  readonly path: string;
  /** Of one file; undefined for no limit. */
  readonly maxBytes: number | undefined;
  /** With the one that is written to. Older ones are `PATH.1`, `PATH.2`, …; at least 1. */
  readonly maxFiles: number;
}

const NEWLINE = 0x0a;
const INTERRUPTED = -errnoNumber("EINTR");
const FLAGS = OPEN.O_WRONLY + OPEN.O_CREAT + OPEN.O_APPEND + OPEN.O_NONBLOCK;
const FILE_MODE = 0o640;
const DIRECTORY_MODE = 0o750;

/**
 * A file of lines that is rotated by size. It takes whole lines and holds whole lines: what finds no room is lost as a
 * whole, `warn` is told once, and once more when there is room again. Nothing here throws. Who has renamed or removed the
 * file finds a new one in its place.
 */
export class LogFile {
  readonly #kernel: Kernel;
  readonly #place: LogPlace;
  readonly #warn: (message: string) => void;
  #file: OwnedFd | undefined;
  #lostBytes = 0;
  #isStuck = false;

  constructor(kernel: Kernel, place: LogPlace, warn: (message: string) => void) {
    this.#kernel = kernel;
    this.#place = place;
    this.#warn = warn;
  }

  /** Writes lines, each with its end. */
  append(lines: Uint8Array): void {
    for (let rest = lines; rest.length > 0; ) {
      try {
        rest = rest.subarray(this.#writeSome(rest));
      } catch (error) {
        this.#lose(rest.length, explain(error));
        return;
      }
    }
    this.#recover();
  }

  close(): void {
    this.#file?.close();
    this.#file = undefined;
    if (this.#lostBytes > 0) this.#warn(`${this.#lostBytes} bytes of the log ${this.#place.path} are lost`);
    this.#lostBytes = 0;
  }

  /** Writes as many lines as this file may hold; returns their bytes. @throws {SyscallError, ContainerError} */
  #writeSome(lines: Uint8Array): number {
    const { file, sizeBytes } = this.#open();
    const { maxBytes } = this.#place;
    if (maxBytes === undefined || sizeBytes + lines.length <= maxBytes) return this.#write(file, sizeBytes, lines);
    const cut = sizeBytes >= maxBytes ? 0 : lines.lastIndexOf(NEWLINE, maxBytes - sizeBytes - 1) + 1;
    if (cut > 0) return this.#write(file, sizeBytes, lines.subarray(0, cut));
    if (sizeBytes > 0) return this.#rotate(file) ? 0 : this.#write(file, sizeBytes, lines);
    // A line that is larger than a file may be has one for itself.
    return this.#write(file, sizeBytes, lines.subarray(0, lines.indexOf(NEWLINE) + 1));
  }

  /** The file that has the name now, and its size. @throws {SyscallError, ContainerError} */
  #open(): { readonly file: OwnedFd; readonly sizeBytes: number } {
    const { path } = this.#place;
    if (this.#file !== undefined) {
      const [own, named] = [findStatus(this.#kernel, this.#file.number), findStatus(this.#kernel, path)];
      if (own !== undefined && own.inode === named?.inode) return { file: this.#file, sizeBytes: own.sizeBytes };
      this.#file.close();
      this.#file = undefined;
    }
    makeDirectories(this.#kernel, path.slice(0, path.lastIndexOf("/")) || "/", DIRECTORY_MODE);
    const file = openFile(this.#kernel, path, FLAGS, `open ${path}`, FILE_MODE);
    const status = findStatus(this.#kernel, file.number);
    if (status?.type !== FILE_TYPE.S_IFREG) {
      file.close();
      throw new ContainerError("failed_precondition", `cannot write to ${path}: it is not a regular file`);
    }
    this.#file = file;
    return { file, sizeBytes: status.sizeBytes };
  }

  /** @throws {SyscallError} when not all could be written; of the lines those that are whole stay */
  #write(file: OwnedFd, sizeBytes: number, lines: Uint8Array): number {
    for (let done = 0; done < lines.length; ) {
      const rest = lines.subarray(done);
      const written = this.#kernel.call("write", file.number, rest, rest.length);
      if (written >= 0) {
        done += written;
        continue;
      }
      if (written === INTERRUPTED) continue;
      const whole = done === 0 ? 0 : lines.lastIndexOf(NEWLINE, done - 1) + 1;
      this.#cutOff(file, sizeBytes + done, sizeBytes + whole);
      if (whole > 0) return whole;
      const { path } = this.#place;
      throw new ContainerError("resource_exhausted", `cannot write to ${path}: ${errnoText(-written)}`);
    }
    return lines.length;
  }

  /** Removes the half of a line, unless somebody else has written behind it. */
  #cutOff(file: OwnedFd, fromBytes: number, toBytes: number): void {
    if (findStatus(this.#kernel, file.number)?.sizeBytes !== fromBytes) return;
    this.#kernel.call("ftruncate", file.number, toBytes);
  }

  /** Makes room for a new file. Whether it could; if not, the old one grows on. */
  #rotate(file: OwnedFd): boolean {
    const { path, maxFiles } = this.#place;
    try {
      if (maxFiles === 1) {
        checkedCall(this.#kernel, { doing: `empty ${path}`, path }, "ftruncate", file.number, 0);
      } else {
        for (let number = maxFiles - 1; number > 0; number--) {
          const from = number === 1 ? path : `${path}.${number - 1}`;
          if (exists(this.#kernel, from)) renameFile(this.#kernel, from, `${path}.${number}`);
        }
      }
      this.#isStuck = false;
      return true;
    } catch (error) {
      if (!this.#isStuck) this.#warn(`cannot rotate the log: ${explain(error)}: it grows on`);
      this.#isStuck = true;
      return false;
    }
  }

  #lose(bytes: number, why: string): void {
    if (this.#lostBytes === 0) this.#warn(`output is lost until it can be written: ${why}`);
    this.#lostBytes += bytes;
  }

  #recover(): void {
    if (this.#lostBytes === 0) return;
    this.#warn(`the log ${this.#place.path} is written again: ${this.#lostBytes} bytes of it are lost`);
    this.#lostBytes = 0;
  }
}
