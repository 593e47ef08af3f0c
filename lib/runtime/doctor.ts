import { detectCgroups, type MountedCgroups } from "../linux/cgroup/detect.ts";
import { AT_FDCWD } from "../linux/constants/files.ts";
import { findStatus, findText, readText } from "../linux/files.ts";
import type { Kernel } from "../linux/kernel.ts";
import { probeKernel } from "../linux/probe.ts";
import { readNames } from "../linux/process-info.ts";
import { findProgram } from "../linux/search-path.ts";

/** `ok`: works; `limited`: what asks for it will be refused; `failed`: no container can run. */
export type Verdict = "ok" | "limited" | "failed";

/** One thing that was looked at. */
export interface Finding {
  readonly area: string;
  readonly verdict: Verdict;
  /** What was found. */
  readonly detail: string;
  /** What to do about it; none where all is well. */
  readonly remedy?: string;
}

/** For whom it is asked. */
export interface Patient {
  readonly kernel: Kernel;
  readonly uid: number;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** Looks at this machine, and changes nothing; what cannot be read counts as not there. */
export async function examine(patient: Patient): Promise<readonly Finding[]> {
  const { kernel, uid } = patient;
  return [
    ...guarded("kernel", () => examineKernel(kernel)),
    ...guarded("cgroups", () => examineCgroups(kernel, uid)),
    ...examineUserNamespaces(patient),
    ...examineSeccomp(kernel),
    ...examineSecurityModules(kernel),
    ...examineSystemd(patient),
    await examineCriu(patient),
    examineResctrl(kernel),
  ];
}

function isThere(kernel: Kernel, path: string): boolean {
  return findStatus(kernel, path) !== undefined;
}

/** A machine may be so strange that looking fails: that is a finding, too. */
function guarded(area: string, look: () => readonly Finding[]): readonly Finding[] {
  try {
    return look();
  } catch (error) {
    const detail = error instanceof Error ? error.message : String(error);
    return [{ area, verdict: "failed", detail, remedy: "mount what is named here" }];
  }
}

const NAMESPACES = ["cgroup", "ipc", "mnt", "net", "pid", "time", "user", "uts"];

function examineKernel(kernel: Kernel): readonly Finding[] {
  const { release, systemCalls } = probeKernel(kernel);
  const missing = Object.entries(systemCalls).filter(([, isOffered]) => !isOffered);
  const names = missing.map(([name]) => name).join(", ");
  const absent = NAMESPACES.filter((name) => !isThere(kernel, `/proc/self/ns/${name}`));
  return [
    missing.length === 0
      ? { area: "kernel", verdict: "ok", detail: `Linux ${release}` }
      : {
          area: "kernel",
          verdict: "failed",
          detail: `Linux ${release} lacks ${names}, or a seccomp filter around this process forbids it`,
          remedy: "use Linux 5.12 or newer; in a container, allow these calls in its seccomp profile",
        },
    absent.length === 0
      ? { area: "namespaces", verdict: "ok", detail: NAMESPACES.join(", ") }
      : {
          area: "namespaces",
          verdict: "limited",
          detail: `the kernel has no namespace of type ${absent.join(", ")}`,
          remedy: "use a kernel built with CONFIG_*_NS for them, or configs without them",
        },
  ];
}

/** What engines set limits with. */
const USUAL_CONTROLLERS = ["cpu", "cpuset", "io", "memory", "pids"];

function examineCgroups(kernel: Kernel, uid: number): readonly Finding[] {
  const mounted = detectCgroups(kernel);
  const { name, controllers, directories } = describeCgroups(kernel, mounted);
  const wanted =
    mounted.mode === "v2" ? USUAL_CONTROLLERS : ["blkio", "cpu", "cpuset", "devices", "freezer", "memory", "pids"];
  const missing = wanted.filter((controller) => !controllers.includes(controller));
  const locked = directories.filter((directory) => !isWritable(kernel, directory));
  const delegate = "systemctl edit user@.service: [Service] Delegate=cpu cpuset io memory pids";
  const limits: Finding =
    missing.length === 0
      ? { area: "cgroup controllers", verdict: "ok", detail: controllers.join(", ") }
      : {
          area: "cgroup controllers",
          verdict: "limited",
          detail: `${missing.join(", ")} cannot be used here; there are ${controllers.join(", ") || "none"}`,
          remedy: uid === 0 ? "enable them at the kernel's command line or in the cgroup above" : delegate,
        };
  const writable: Finding =
    locked.length === 0
      ? { area: "cgroups", verdict: "ok", detail: `${name}, containers below ${directories[0] ?? "nothing"}` }
      : {
          area: "cgroups",
          verdict: "failed",
          detail: `${name}: ${locked[0]} is not writable`,
          remedy: uid === 0 ? "mount cgroups writable" : `run as root, or have systemd delegate: ${delegate}`,
        };
  return [writable, limits];
}

function describeCgroups(kernel: Kernel, mounted: MountedCgroups) {
  if (mounted.mode === "v2") {
    const { ownDirectory } = mounted.unified;
    const delegated = readText(kernel, `${ownDirectory}/cgroup.controllers`).trim();
    return { name: "v2", controllers: delegated.split(" ").filter((word) => word !== ""), directories: [ownDirectory] };
  }
  const controllers = mounted.hierarchies.flatMap((hierarchy) => hierarchy.controllers);
  return {
    name: mounted.unified === undefined ? "v1" : "hybrid (v1 controllers)",
    controllers: controllers.filter((controller) => !controller.includes("=")).toSorted(),
    directories: mounted.hierarchies.map(({ ownDirectory }) => ownDirectory),
  };
}

const W_OK = 2;
const AT_EACCESS = 0x200;

function isWritable(kernel: Kernel, path: string): boolean {
  return kernel.call("faccessat2", AT_FDCWD, path, W_OK, AT_EACCESS) >= 0;
}

function examineUserNamespaces({ kernel, uid, env }: Patient): readonly Finding[] {
  const area = "user namespaces";
  const limit = (path: string) => findText(kernel, path, "ENOENT", "EACCES")?.trim();
  const isOff = limit("/proc/sys/user/max_user_namespaces") === "0";
  const isRestricted =
    uid !== 0 &&
    (limit("/proc/sys/kernel/unprivileged_userns_clone") === "0" ||
      limit("/proc/sys/kernel/apparmor_restrict_unprivileged_userns") === "1");
  const own: Finding = isOff
    ? { area, verdict: "limited", detail: "none may be made", remedy: "sysctl user.max_user_namespaces=15000" }
    : isRestricted
      ? {
          area,
          verdict: "limited",
          detail: "only root may make one",
          remedy:
            "sysctl kernel.unprivileged_userns_clone=1, or kernel.apparmor_restrict_unprivileged_userns=0 where AppArmor forbids it",
        }
      : { area, verdict: "ok", detail: "may be made" };
  return [own, examineSubordinates(kernel, uid, env["PATH"])];
}

function examineSubordinates(kernel: Kernel, uid: number, searchPath: string | undefined): Finding {
  const area = "subordinate ids";
  const helpers = ["newuidmap", "newgidmap"].filter((name) => findProgram(kernel, name, searchPath) === undefined);
  const user = readNames(kernel, "/etc/passwd").get(uid) ?? String(uid);
  const hasRange = ["/etc/subuid", "/etc/subgid"].every((path) =>
    (findText(kernel, path, "ENOENT", "EACCES") ?? "")
      .split("\n")
      .some((line) => line.startsWith(`${user}:`) || line.startsWith(`${uid}:`)),
  );
  if (uid === 0) return { area, verdict: "ok", detail: "not needed: root maps any id" };
  if (helpers.length > 0) {
    return { area, verdict: "limited", detail: `not installed: ${helpers.join(", ")}`, remedy: "install uidmap" };
  }
  if (hasRange) return { area, verdict: "ok", detail: `${user} has a range in /etc/subuid and /etc/subgid` };
  return {
    area,
    verdict: "limited",
    detail: `${user} has no range in /etc/subuid and /etc/subgid: a container gets one id`,
    remedy: `usermod --add-subuids 100000-165535 --add-subgids 100000-165535 ${user}`,
  };
}

function examineSeccomp(kernel: Kernel): readonly Finding[] {
  const area = "seccomp";
  const actions = findText(kernel, "/proc/sys/kernel/seccomp/actions_avail", "ENOENT", "EACCES")?.trim() ?? "";
  if (actions !== "") return [{ area, verdict: "ok", detail: actions }];
  const remedy = "use a kernel built with CONFIG_SECCOMP_FILTER, or configs without linux.seccomp";
  return [{ area, verdict: "limited", detail: "the kernel has no filters", remedy }];
}

function examineSecurityModules(kernel: Kernel): readonly Finding[] {
  const modules = findText(kernel, "/sys/kernel/security/lsm", "ENOENT", "EACCES")?.trim() ?? "";
  const hasAppArmor = findText(kernel, "/sys/module/apparmor/parameters/enabled", "ENOENT", "EACCES")?.startsWith("Y");
  const hasSelinux = isThere(kernel, "/sys/fs/selinux/enforce");
  const labels = [hasAppArmor && "AppArmor", hasSelinux && "SELinux"].filter(
    (name) => name !== false && name !== undefined,
  );
  const list = modules === "" ? "" : ` (${modules})`;
  if (labels.length > 0) {
    return [{ area: "security modules", verdict: "ok", detail: `${labels.join(", ")}${list}` }];
  }
  return [
    {
      area: "security modules",
      verdict: "limited",
      detail: `neither AppArmor nor SELinux is active${list}`,
      remedy: "boot with security=apparmor or security=selinux, or use configs without labels and profiles",
    },
  ];
}

function examineSystemd({ kernel, uid, env }: Patient): readonly Finding[] {
  const area = "systemd";
  const sockets =
    uid === 0
      ? ["/run/systemd/private", "/run/dbus/system_bus_socket"]
      : [
          `${env["XDG_RUNTIME_DIR"] ?? `/run/user/${uid}`}/systemd/private`,
          `${env["XDG_RUNTIME_DIR"] ?? `/run/user/${uid}`}/bus`,
        ];
  const found = sockets.find((path) => isThere(kernel, path));
  if (found !== undefined) return [{ area, verdict: "ok", detail: `reached by ${found}` }];
  const detail = `no socket of its manager or of D-Bus: --systemd-cgroup will be refused`;
  const remedy =
    uid === 0
      ? "boot with systemd, or go without --systemd-cgroup"
      : "install dbus-user-session and log in again (loginctl enable-linger), or go without --systemd-cgroup";
  return [{ area, verdict: "limited", detail, remedy }];
}

const CRIU_MS = 10_000;

async function examineCriu({ kernel, uid, env }: Patient): Promise<Finding> {
  const area = "criu";
  const path = findProgram(kernel, "criu", env["PATH"]);
  if (path === undefined) {
    const remedy = "install criu 3.15 or newer";
    return { area, verdict: "limited", detail: "not installed: checkpoint and restore will be refused", remedy };
  }
  if (uid !== 0) return { area, verdict: "limited", detail: `${path}: for root only`, remedy: "run as root" };
  const child = Bun.spawn([path, "check"], { stdin: "ignore", stdout: "pipe", stderr: "pipe", timeout: CRIU_MS });
  const [said, complained] = await Promise.all([child.stdout.text(), child.stderr.text()]);
  if ((await child.exited) === 0) return { area, verdict: "ok", detail: path };
  const why = `${said}${complained}`.split("\n").find((line) => line.includes("Error")) ?? "criu check fails";
  const remedy = "use a criu that knows this kernel; criu check --all says more";
  return { area, verdict: "limited", detail: `${path}: ${why.trim()}`, remedy };
}

function examineResctrl(kernel: Kernel): Finding {
  const area = "resctrl";
  if (isThere(kernel, "/sys/fs/resctrl/info")) return { area, verdict: "ok", detail: "mounted on /sys/fs/resctrl" };
  const isKnown = (findText(kernel, "/proc/filesystems") ?? "").includes("resctrl");
  return {
    area,
    verdict: "limited",
    detail: isKnown ? "not mounted" : "neither kernel nor processor offer it: linux.intelRdt will be refused",
    remedy: isKnown ? "mount -t resctrl resctrl /sys/fs/resctrl" : "use configs without linux.intelRdt",
  };
}
