import { exists, findText } from "./files.ts";
import type { Kernel } from "./kernel.ts";

/** Which security modules are in force, as runc finds out. */
export function findSecurityModules(kernel: Kernel): { readonly apparmor: boolean; readonly selinux: boolean } {
  return {
    apparmor: findText(kernel, "/sys/module/apparmor/parameters/enabled")?.startsWith("Y") ?? false,
    selinux: exists(kernel, "/sys/fs/selinux/enforce"),
  };
}
