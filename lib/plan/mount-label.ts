import { ContainerError } from "../errors.ts";
import type { Config } from "../spec/config.ts";
import { ROOT, setOption } from "./calls.ts";
import { type Purpose, register, type Step } from "./step.ts";

/** A label for mounts, and the option that takes it. */
export interface MountLabel {
  readonly option: string;
  readonly label: string;
}

const CONTEXT_TYPES = ["context", "defcontext", "fscontext", "rootcontext"];

/** `linux.mountLabel`; crun's annotation names another option for it. @throws {ContainerError} invalid_argument */
export function mountLabelOf({ linux = {}, annotations = {} }: Config): MountLabel | undefined {
  const { mountLabel } = linux;
  if (mountLabel === undefined) return undefined;
  const option = annotations["run.oci.mount_context_type"] ?? "context";
  if (CONTEXT_TYPES.includes(option)) return { option, label: mountLabel };
  const value = JSON.stringify(option);
  const allowed = CONTEXT_TYPES.map((type) => JSON.stringify(type)).join(", ");
  throw new ContainerError(
    "invalid_argument",
    `annotations["run.oci.mount_context_type"]: ${value}: must be one of ${allowed}`,
  );
}

/** Filesystems whose files have labels of their own, which a mount cannot change. */
const UNLABELLED = ["proc", "sysfs", "mqueue"];

/** The option of a mount that is put together. */
export function labelContext(label: MountLabel | undefined, fstype: string, purpose: Purpose): readonly Step[] {
  if (label === undefined || UNLABELLED.includes(fstype)) return [];
  return [setOption(label.option, label.label, { ...purpose, from: "/linux/mountLabel" })];
}

/** mqueue takes no option: its root is labelled, as a file. */
export function labelRoot(
  label: MountLabel | undefined,
  fstype: string,
  tree: string,
  purpose: Purpose,
): readonly Step[] {
  if (label === undefined || fstype !== "mqueue") return [];
  const from: Purpose = { ...purpose, from: "/linux/mountLabel" };
  const bytes = new TextEncoder().encode(label.label).length;
  return [
    { call: "fchdir", args: [register(tree)], purpose: from },
    { call: "setxattr", args: [".", "security.selinux", label.label, bytes, 0], purpose: from },
    { call: "fchdir", args: [register(ROOT)], purpose: from },
  ];
}
