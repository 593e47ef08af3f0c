import { findText } from "./files.ts";
import type { Kernel } from "./kernel.ts";

/** Every id of the initial user namespace stands for itself. */
const ALL_IDS = /^\s*0\s+0\s+4294967295\s*$/;

/** user_namespaces(7): whether this process is in another user namespace than the host's first one. */
export function isInUserNamespace(kernel: Kernel): boolean {
  const map = findText(kernel, "/proc/self/uid_map");
  // A kernel without user namespaces has no such file.
  return map !== undefined && !ALL_IDS.test(map);
}
