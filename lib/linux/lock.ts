import { LOCK } from "./constants/files.ts";
import type { OwnedFd } from "./fd.ts";
import { findStatus } from "./files.ts";
import type { Kernel } from "./kernel.ts";

const TRY_EXCLUSIVELY = LOCK.LOCK_EX + LOCK.LOCK_NB;

/** flock(2): whether the lock of an open file is this process' now, until the file is closed. */
export function tryLock(kernel: Kernel, file: OwnedFd): boolean {
  return kernel.call("flock", file.number, TRY_EXCLUSIVELY) >= 0;
}

/** Whether a path still names what is open, not what was made anew since; there may be links on the way to it. */
export function isStillAt(kernel: Kernel, file: OwnedFd, path: string): boolean {
  return findStatus(kernel, path)?.inode === findStatus(kernel, file.number)?.inode;
}
