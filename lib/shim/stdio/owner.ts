import { FILE_TYPE } from "../../linux/constants/files.ts";
import { findStatus } from "../../linux/files.ts";
import type { Kernel } from "../../linux/kernel.ts";
import type { Stdio } from "../../runtime/options.ts";

/**
 * fchown(2) of pipes and FIFOs: root of a user namespace, to whom those of the host belong to nobody, may then open
 * /dev/stdout. What cannot change hands stays whose it is.
 */
export function giveStdio(
  kernel: Kernel,
  fds: Stdio,
  { ioUid, ioGid }: { readonly ioUid: number; readonly ioGid: number },
): void {
  if (ioUid === 0 && ioGid === 0) return;
  for (const fd of fds) {
    if (findStatus(kernel, fd)?.type === FILE_TYPE.S_IFIFO) kernel.call("fchown", fd, ioUid, ioGid);
  }
}
