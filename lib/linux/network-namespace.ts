import { OPEN } from "./constants/files.ts";
import { MS } from "./constants/mounts.ts";
import { CLONE_NEW } from "./constants/processes.ts";
import { checkedCall } from "./fd.ts";
import { openFile } from "./files.ts";
import type { Kernel } from "./kernel.ts";

/** nsfs: `f_type` of statfs(2). */
export const NSFS_MAGIC = 0x6e736673;

/**
 * unshare(2): this thread gets a new network namespace, which is kept at a path by a bind mount; see namespaces(7). For
 * a process that ends after it. @throws {SyscallError} EEXIST for a path at which something is
 */
export function pinNewNetworkNamespace(kernel: Kernel, path: string): void {
  const flags = OPEN.O_RDONLY | OPEN.O_CREAT | OPEN.O_EXCL;
  openFile(kernel, path, flags, `make ${path}`, 0o444).close();
  const doing = { doing: "make a network namespace", path };
  checkedCall(kernel, doing, "unshare", CLONE_NEW.CLONE_NEWNET);
  checkedCall(kernel, doing, "mount", "/proc/thread-self/ns/net", path, "", MS.MS_BIND, "");
}
