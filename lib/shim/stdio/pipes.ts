import { OPEN } from "../../linux/constants/files.ts";
import type { OwnedFd } from "../../linux/fd.ts";
import { findLink, isErrno, listDirectory, openFile } from "../../linux/files.ts";
import type { Kernel } from "../../linux/kernel.ts";

/** proc_pid_fd(5): what a pipe is called, whichever end is looked at. */
export function pipeName(kernel: Kernel, { number }: OwnedFd): string {
  return findLink(kernel, `/proc/self/fd/${number}`) ?? "";
}

/**
 * Both ends of a pipe in one descriptor, for a program that writes: as long as it has that, nothing that it has written is
 * lost, and it waits when nobody reads. Takes the place of its end for writing.
 */
export function holdBothEnds(kernel: Kernel, writer: OwnedFd): OwnedFd {
  using _writer = writer;
  return openFile(kernel, `/proc/self/fd/${writer.number}`, OPEN.O_RDWR);
}

/** An end for reading of a pipe that a process has open, whatever its number there; undefined when it has none. */
export function takePipe(kernel: Kernel, pid: number, name: string): OwnedFd | undefined {
  const directory = `/proc/${pid}/fd`;
  const has = ({ name: fd }: { readonly name: string }) => findLink(kernel, `${directory}/${fd}`) === name;
  const found = listDirectory(kernel, directory, "ENOENT", "ESRCH").find(has);
  if (found === undefined) return undefined;
  try {
    return openFile(kernel, `${directory}/${found.name}`, OPEN.O_RDONLY + OPEN.O_NONBLOCK);
  } catch (error) {
    if (isErrno(error, "ENOENT", "ESRCH")) return undefined;
    throw error;
  }
}
