import { errnoNumber } from "./constants/errno.ts";
import { ALL_SEALS, FCNTL, MEMFD } from "./constants/files.ts";
import { checkedCall, OwnedFd, openCall } from "./fd.ts";
import type { Kernel } from "./kernel.ts";

/** memfd_create(2): a file in memory with these bytes that nobody can change any more; close-on-exec. */
export function sealedMemfd(kernel: Kernel, name: string, bytes: Uint8Array): OwnedFd {
  using file = createMemfd(kernel, name);
  writeMemfd(kernel, file, bytes, 0);
  sealMemfd(kernel, file);
  return file.move();
}

/** pwrite(2) of all bytes at an offset. @throws {SyscallError} */
export function writeMemfd(kernel: Kernel, file: OwnedFd, bytes: Uint8Array, offset: number): void {
  for (let written = 0; written < bytes.length; ) {
    const rest = bytes.subarray(written);
    const doing = { doing: "write a memory file" };
    written += checkedCall(kernel, doing, "pwrite64", file.number, rest, rest.length, offset + written);
  }
}

/** fcntl(2), F_ADD_SEALS: from here nobody can change the file. @throws {SyscallError} */
export function sealMemfd(kernel: Kernel, file: OwnedFd): void {
  checkedCall(kernel, { doing: "seal a memory file" }, "fcntl", file.number, FCNTL.F_ADD_SEALS, ALL_SEALS);
}

/**
 * memfd_create(2): an empty file in memory that can be executed and sealed; close-on-exec. MFD_EXEC says what kernels
 * before 6.3 assume, and refuse to be told.
 */
export function createMemfd(kernel: Kernel, name: string): OwnedFd {
  const bits = MEMFD.MFD_CLOEXEC | MEMFD.MFD_ALLOW_SEALING;
  const fd = kernel.call("memfd_create", name, bits | MEMFD.MFD_EXEC);
  if (fd !== -errnoNumber("EINVAL")) {
    if (fd >= 0) return new OwnedFd(kernel, fd);
  }
  return openCall(kernel, { doing: `make the memory file ${name}` }, "memfd_create", name, bits);
}
