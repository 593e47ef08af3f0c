import { SyscallError } from "../errors.ts";
import { findText } from "../linux/files.ts";
import type { Kernel } from "../linux/kernel.ts";
import { type Host, isOrdinaryUser } from "../plan/host.ts";
import type { Config } from "../spec/config.ts";
import { mountHint } from "./mount-hint.ts";

/** What was to be made, and where. */
export interface Attempt {
  readonly config: Config;
  readonly host: Host;
  readonly bundle: string;
}

/**
 * An error with what is known of its reason and its remedy where the kernel says no more than EPERM: of sysctls that
 * forbid user namespaces, ids that are not mapped, mounts that are locked. Others come back as they are.
 */
export function withHint(kernel: Kernel, attempt: Attempt, error: unknown): unknown {
  const refusal = findRefusal(error);
  if (refusal === undefined || !(error instanceof Error)) return error;
  const hint = hintOf(kernel, attempt, refusal);
  if (hint === undefined) return error;
  const { message, details } = refusal;
  const first = error === refusal ? message : `${error.message}: ${message}`;
  return new SyscallError(`${first}: ${hint}`, details);
}

function findRefusal(error: unknown): SyscallError | undefined {
  if (error instanceof SyscallError) return error;
  return error instanceof Error ? findRefusal(error.cause) : undefined;
}

function hintOf(kernel: Kernel, attempt: Attempt, { details }: SyscallError): string | undefined {
  const { call, errno, pointer = "", path = "" } = details;
  if (pointer.startsWith("/mounts/")) return mountHint(kernel, attempt, details);
  if (/^clone3?$|^unshare$/.test(call)) return namespaceHint(kernel, errno);
  if (/^\/proc\/\d+\/[ug]id_map$/.test(path) && errno === "EPERM") return mapHint(kernel, attempt.host);
  if (!isOrdinaryUser(attempt.host)) return undefined;
  if (pointer === "/process/oomScoreAdj") return "only the host's root may lower it";
  if (pointer === "/linux/cgroupsPath") {
    return "let the host delegate that cgroup to this user, or leave cgroupsPath out and do without a cgroup";
  }
  return errno === "EPERM" || errno === "EACCES" ? restrictionHint(kernel) : undefined;
}

/** user_namespaces(7), and the switches that distributions have added. */
function namespaceHint(kernel: Kernel, errno: string): string | undefined {
  if (errno === "ENOSPC") {
    const limit = findText(kernel, "/proc/sys/user/max_user_namespaces")?.trim();
    return `a limit on namespaces is reached: see sysctl user.max_user_namespaces (${limit ?? "unknown"}) and its like`;
  }
  if (errno === "EUSERS") return "user namespaces cannot be nested any deeper: 32 is the limit";
  if (errno !== "EPERM") return undefined;
  if (findText(kernel, "/proc/sys/kernel/unprivileged_userns_clone")?.trim() === "0") {
    return "ordinary users may not make user namespaces: set sysctl kernel.unprivileged_userns_clone=1";
  }
  return restrictionHint(kernel);
}

function restrictionHint(kernel: Kernel): string | undefined {
  if (findText(kernel, "/proc/sys/kernel/apparmor_restrict_unprivileged_userns")?.trim() !== "1") return undefined;
  const remedy =
    "give tsrun an AppArmor profile with `userns`, or set sysctl kernel.apparmor_restrict_unprivileged_userns=0";
  return `AppArmor takes all capabilities from user namespaces of ordinary users: ${remedy}`;
}

function mapHint(kernel: Kernel, host: Host): string | undefined {
  if (host.rootless === undefined) return undefined;
  const restriction = isOrdinaryUser(host) ? restrictionHint(kernel) : undefined;
  if (restriction !== undefined) return restriction;
  const own = findText(kernel, "/proc/self/uid_map")
    ?.trim()
    .replaceAll(/\s*\n\s*/g, "; ")
    .replaceAll(/ +/g, " ");
  return `every hostID has to be an id of the user namespace that tsrun runs in, whose uid_map is "${own ?? ""}"`;
}
