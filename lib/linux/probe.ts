import { detectCgroups } from "./cgroup/detect.ts";
import { errnoNumber } from "./constants/errno.ts";
import { CLONE } from "./constants/processes.ts";
import { SECCOMP, SECCOMP_FILTER_FLAG } from "./constants/seccomp.ts";
import { OwnedFd } from "./fd.ts";
import { exists, findText, listDirectory } from "./files.ts";
import type { Kernel } from "./kernel.ts";
import { findSecurityModules } from "./security-modules.ts";

/** What the running kernel offers to this process, found by trying; a seccomp filter around us counts as the kernel. */
export interface KernelOffers {
  readonly release: string;
  readonly systemCalls: {
    readonly openat2: boolean;
    readonly mountSetattr: boolean;
    readonly clone3: boolean;
    readonly cloneIntoCgroup: boolean;
    readonly pidfd: boolean;
  };
  /** seccomp(2), in the kernel's words: `kill_process`, `errno` … */
  readonly seccompActions: readonly string[];
  /** Flags of seccomp(2) that the kernel knows. */
  readonly seccompFlags: readonly string[];
  readonly securityModules: { readonly apparmor: boolean; readonly selinux: boolean };
  readonly cgroup: { readonly mode: "v1" | "v2" | "hybrid"; readonly controllers: readonly string[] };
  readonly namespaces: readonly string[];
  readonly pressureStallInformation: boolean;
}

/** Tries the system calls with arguments that cannot succeed: another errno than ENOSYS says that the call is there. */
export function probeKernel(kernel: Kernel): KernelOffers {
  const has = (result: number) => result !== -errnoNumber("ENOSYS") && result !== -errnoNumber("EPERM");
  return {
    release: findText(kernel, "/proc/sys/kernel/osrelease")?.trim() ?? "",
    systemCalls: {
      openat2: has(kernel.call("openat2", -1, "", 0, 0)),
      mountSetattr: has(kernel.call("mount_setattr", -1, "", 0, 0, 0)),
      clone3: has(kernel.call("clone3", 0, 0)),
      cloneIntoCgroup: probeCloneIntoCgroup(kernel),
      pidfd: probePidfd(kernel),
    },
    seccompActions: words(findText(kernel, "/proc/sys/kernel/seccomp/actions_avail") ?? ""),
    seccompFlags: probeSeccompFlags(kernel),
    securityModules: findSecurityModules(kernel),
    cgroup: probeCgroups(kernel),
    namespaces: listDirectory(kernel, "/proc/self/ns")
      .map(({ name }) => name)
      .filter((name) => !name.endsWith("_for_children"))
      .sort(),
    pressureStallInformation: exists(kernel, "/proc/pressure"),
  };
}

/** linux/sched.h: `struct clone_args` in its third version, with `cgroup` at the end. */
const CLONE_ARGS_BYTES = 88;
const CLONE_ARGS_EXIT_SIGNAL = 32;
const CLONE_ARGS_CGROUP = 80;
const SIGCHLD = 17n;
/** No process has a descriptor of this number. */
const NO_DESCRIPTOR = 0x7fff_ffffn;

/** A kernel that knows the flag looks the descriptor up before there is a child: EBADF. */
function probeCloneIntoCgroup(kernel: Kernel): boolean {
  const args = new Uint8Array(CLONE_ARGS_BYTES);
  const view = new DataView(args.buffer);
  view.setBigUint64(0, CLONE.CLONE_INTO_CGROUP, true);
  view.setBigUint64(CLONE_ARGS_EXIT_SIGNAL, SIGCHLD, true);
  view.setBigUint64(CLONE_ARGS_CGROUP, NO_DESCRIPTOR, true);
  return kernel.call("clone3", args, args.length) === -errnoNumber("EBADF");
}

/** A kernel that knows the flags looks at the filter, which is nowhere: EFAULT. */
function probeSeccompFlags(kernel: Kernel): readonly string[] {
  const { SECCOMP_FILTER_FLAG_NEW_LISTENER: listener, SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV: wait } =
    SECCOMP_FILTER_FLAG;
  const isKnown = (bits: number) => {
    const flags = bits === wait ? bits + listener : bits;
    return kernel.call("seccomp", SECCOMP.SECCOMP_SET_MODE_FILTER, flags, 0) === -errnoNumber("EFAULT");
  };
  return Object.entries(SECCOMP_FILTER_FLAG).flatMap(([name, bits]) => (isKnown(bits) ? [name] : []));
}

function probePidfd(kernel: Kernel): boolean {
  const fd = kernel.call("pidfd_open", kernel.call("getpid"), 0);
  if (fd < 0) return false;
  using own = new OwnedFd(kernel, fd);
  return kernel.call("pidfd_send_signal", own.number, 0, 0, 0) >= 0;
}

function probeCgroups(kernel: Kernel): KernelOffers["cgroup"] {
  const mounted = detectCgroups(kernel);
  if (mounted.mode === "v2") return { mode: "v2", controllers: mounted.unified.controllers.toSorted() };
  // A named hierarchy has no controller.
  const controllers = mounted.hierarchies
    .flatMap((hierarchy) => hierarchy.controllers)
    .filter((controller) => !controller.startsWith("name="));
  return { mode: mounted.unified === undefined ? "v1" : "hybrid", controllers: controllers.toSorted() };
}

function words(text: string): readonly string[] {
  return text.split(/\s+/).filter((word) => word !== "");
}
