import type { SyscallDetails } from "../errors.ts";
import { readText } from "../linux/files.ts";
import type { Kernel } from "../linux/kernel.ts";
import { lockableChange } from "../plan/mount-options.ts";
import { normalize, type PlannedMount, planMounts } from "../plan/mounts.ts";
import { hasOwn } from "../plan/namespaces.ts";
import { hasUserNamespace } from "../plan/user-namespace.ts";
import { type MountEntry, mountOf, readMounts } from "./mount-table.ts";
import type { Attempt } from "./refusal-hint.ts";

/** Why the kernel may have refused a step of a mount; undefined where nothing is known beyond its errno. */
export function mountHint(kernel: Kernel, attempt: Attempt, details: SyscallDetails): string | undefined {
  const { config, host } = attempt;
  const index = Number(details.pointer?.split("/")[2]);
  const planned = planMounts(config.mounts ?? [])[index];
  const isLimited = hasUserNamespace(config.linux?.namespaces ?? []) || host.rootless !== undefined;
  if (planned === undefined || !isLimited) return undefined;
  const { call, errno } = details;
  if (call === "open_tree" && errno === "EINVAL" && planned.options.bind === "one") {
    return `there are mounts below it, which a user namespace must not uncover: use "rbind" for "bind"`;
  }
  if (errno !== "EPERM") return undefined;
  if (call === "mount_setattr") return lockedHint(kernel, attempt, planned);
  if (call === "fsopen" || call === "fsconfig" || call === "fsmount") return freshHint(kernel, attempt, planned);
  return undefined;
}

/** mount_namespaces(7): what a mount is when it goes to a less privileged mount namespace it has to stay. */
function lockedHint(kernel: Kernel, { bundle }: Attempt, planned: PlannedMount): string | undefined {
  const { mount, options } = planned;
  const source = mount.source ?? "";
  const path = normalize(source.startsWith("/") ? source : `${bundle}/${source}`);
  const from = mountOf(readMounts(readText(kernel, "/proc/self/mountinfo")), path);
  if (from === undefined) return undefined;
  const { cleared, accessTime } = lockableChange(options);
  const locked = cleared.filter(({ flag }) => from.flags.includes(flag));
  const names = [...locked.map(({ flag }) => flag), ...(accessTime ? [timeOf(from)] : [])];
  if (names.length === 0) return undefined;
  const remedy = locked.length === 0 ? "leave its access time as it is" : `leave out ${listOf(locked)}`;
  return `the mount it comes from, ${from.point} (${from.type}), is ${names.join(", ")}, which is locked in a user namespace: ${remedy}`;
}

function listOf(locked: readonly { readonly option: string }[]): string {
  return locked.map(({ option }) => `"${option}"`).join(", ");
}

function timeOf({ flags }: MountEntry): string {
  return flags.find((flag) => flag === "noatime" || flag === "relatime") ?? "strictatime";
}

/** fs/namespace.c, mnt_already_visible(): a fresh proc or sysfs must not show more than what is mounted shows. */
function freshHint(kernel: Kernel, { config }: Attempt, planned: PlannedMount): string | undefined {
  const type = planned.mount.type ?? "none";
  const namespaces = config.linux?.namespaces ?? [];
  if (type === "mqueue" && !hasOwn(namespaces, "ipc")) {
    return "it belongs to the IPC namespace, which has to be one of the container's own user namespace";
  }
  if (type !== "proc") return undefined;
  if (!namespaces.some(({ type: name }) => name === "pid")) {
    return `it belongs to the pid namespace, of which the container has none of its own: bind the host's instead: ${BIND_PROC}`;
  }
  const covers = readMounts(readText(kernel, "/proc/self/mountinfo"))
    .map(({ point }) => point)
    .filter((point) => point.startsWith("/proc/"));
  if (covers.length === 0) return undefined;
  const shown = `${covers.slice(0, MAX_COVERS).join(", ")}${covers.length > MAX_COVERS ? ", …" : ""}`;
  const outer = "run the container around this one with its /proc uncovered (podman: --security-opt unmask=ALL)";
  return `a fresh proc would show what is covered in the one that is visible here (${shown}): ${outer}, or bind that one: ${BIND_PROC}`;
}

const MAX_COVERS = 8;
const BIND_PROC = '{"destination": "/proc", "type": "bind", "source": "/proc", "options": ["rbind"]}';
