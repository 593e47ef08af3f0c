import { errnoNumber } from "./constants/errno.ts";
import { ALL_SEALS, FCNTL, MEMFD } from "./constants/files.ts";
import { checkedCall, OwnedFd, openCall } from "./fd.ts";
import type { Kernel } from "./kernel.ts";

/** memfd_create(2): a file in memory with these bytes that nobody can change any more; close-on-exec. */
export function sealedMemfd(kernel: Kernel, name: string, bytes: Uint8Array): OwnedFd {
  const doing = { doing: `make the memory file ${name}` };
  using file = createExecutable(kernel, name);
  for (let written = 0; written < bytes.length; ) {
    const rest = bytes.subarray(written);
    written += checkedCall(kernel, doing, "write", file.number, rest, rest.length);
  }
  checkedCall(kernel, doing, "fcntl", file.number, FCNTL.F_ADD_SEALS, ALL_SEALS);
  return file.move();
}

/** MFD_EXEC says what kernels before 6.3 assume, and refuse to be told. */
function createExecutable(kernel: Kernel, name: string): OwnedFd {
  const bits = MEMFD.MFD_CLOEXEC | MEMFD.MFD_ALLOW_SEALING;
  const fd = kernel.call("memfd_create", name, bits | MEMFD.MFD_EXEC);
  if (fd !== -errnoNumber("EINVAL")) {
    if (fd >= 0) return new OwnedFd(kernel, fd);
  }
  return openCall(kernel, { doing: `make the memory file ${name}` }, "memfd_create", name, bits);
}
