import { OPEN } from "../../linux/constants/files.ts";
import type { OwnedFd } from "../../linux/fd.ts";
import { isFifo, openFifoReader, openFifoWriter, setBlocking } from "../../linux/fifo.ts";
import { makeDirectories, openFile } from "../../linux/files.ts";
import type { Kernel } from "../../linux/kernel.ts";

/** Something that output can be written to. */
export interface Sink {
  /** For writing. Whoever has all copies of it closed gives the reader its end. */
  readonly writer: OwnedFd;
  /** An end for reading, kept open so that the writer never gets SIGPIPE, whatever becomes of the client. */
  readonly keeper?: OwnedFd;
}

/** A sink that a program can be given as it is. @throws {SyscallError} */
export function openForProgram(kernel: Kernel, path: string, isFile: boolean): Sink {
  const sink = openSink(kernel, path, isFile);
  setBlocking(kernel, sink.writer);
  return sink;
}

/** A sink that does not block. @throws {SyscallError} */
export function openSink(kernel: Kernel, path: string, isFile: boolean): Sink {
  if (isFile || !isFifo(kernel, path)) return { writer: openLog(kernel, path) };
  const keeper = openFifoReader(kernel, path);
  try {
    return { keeper, writer: openFifoWriter(kernel, path) };
  } catch (error) {
    keeper.close();
    throw error;
  }
}

/** A file that is written to at its end; it and the directories above it are made when they are missing. */
function openLog(kernel: Kernel, path: string): OwnedFd {
  makeDirectories(kernel, path.slice(0, path.lastIndexOf("/")) || "/", 0o755);
  return openFile(kernel, path, OPEN.O_WRONLY + OPEN.O_CREAT + OPEN.O_APPEND, `open ${path}`, 0o644);
}

/** /dev/null, for a stream that nobody wants. @throws {SyscallError} */
export function openNull(kernel: Kernel): OwnedFd {
  return openFile(kernel, "/dev/null", OPEN.O_RDWR);
}
