import { pointerTo } from "../json-pointer.ts";
import { MOUNT_ATTR } from "../linux/constants/mounts.ts";
import type { StringMap } from "../spec/config.ts";
import { sysctlNames } from "../spec/sysctl-key.ts";
import { checkFilesystem, createMount, openBeneath, openContext, openInRoot, writeTo } from "./calls.ts";
import { allOrElse, type Purpose, type Step } from "./step.ts";

/**
 * config-linux.md § Sysctl: written through a procfs of our own that nothing in the container can have mounted over
 * (CVE-2025-52881), by paths that cannot leave it.
 */
export function compileSysctl(sysctl: StringMap, isLimited: boolean): readonly Step[] {
  const entries = Object.entries(sysctl);
  if (entries.length === 0) return [];
  const open: Purpose = { doing: "open a procfs for sysctls", from: "/linux/sysctl", path: "/proc/sys" };
  const attributes = MOUNT_ATTR.MOUNT_ATTR_NOSUID | MOUNT_ATTR.MOUNT_ATTR_NODEV | MOUNT_ATTR.MOUNT_ATTR_NOEXEC;
  const fresh = [openContext("proc", open), ...createMount(attributes, "proc", open)];
  return [
    ...(isLimited ? allOrElse(fresh, ["EPERM"], openMounted(open)) : fresh),
    ...entries.flatMap(([key, value]) => compileEntry(key, value)),
  ];
}

/**
 * In a user namespace there is no fresh procfs of a pid namespace that somebody else owns, or while one that can be seen
 * is covered in part. What stands in for it is the container's: what covers parts of it is not walked into.
 */
function openMounted(purpose: Purpose): readonly Step[] {
  return [
    openInRoot({ path: "/proc", into: "proc", noSymlinks: true }, purpose),
    checkFilesystem("proc", "PROC_SUPER_MAGIC", true, purpose),
  ];
}

function compileEntry(key: string, value: string): readonly Step[] {
  const path = `sys/${sysctlNames(key).join("/")}`;
  const purpose: Purpose = { doing: `set sysctl ${key}`, from: pointerTo("/linux/sysctl", key), path: `/proc/${path}` };
  const access = ["O_WRONLY", "O_CLOEXEC"] as const;
  return [
    openBeneath({ root: "proc", path, access, noSymlinks: true, into: "file" }, purpose),
    writeTo("file", value, purpose),
  ];
}
