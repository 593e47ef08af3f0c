/** The default profiles of docker (moby/profiles) and podman (containers/common), as they reach the runtime. */
import { DEFAULT_CAPABILITIES } from "../../lib/client/spec/capabilities.ts";
import { ALWAYS_ALLOWED, defaultSeccomp, SECCOMP_ARCHITECTURES } from "../../lib/client/spec/seccomp-default.ts";
import type { Architecture } from "../../lib/linux/constants/syscalls.ts";
import type { Seccomp, SeccompArg, SeccompOperator, SeccompSyscall } from "../../lib/spec/seccomp.ts";

/** What docker allows every container, and podman does not. */
const DOCKER_ONLY =
  "cachestat fchmodat2 futex_requeue futex_wait futex_waitv futex_wake getxattrat io_pgetevents io_pgetevents_time64 " +
  "landlock_add_rule landlock_create_ruleset landlock_restrict_self listmount listxattrat map_shadow_stack membarrier " +
  "memfd_secret mseal process_mrelease removexattrat riscv_hwprobe setxattrat sigprocmask statmount uretprobe vmsplice";

const ADMIN = [...DEFAULT_CAPABILITIES, "CAP_SYS_ADMIN", "CAP_DAC_READ_SEARCH", "CAP_SYS_BOOT", "CAP_SYS_PACCT"];

const PODMAN_ONLY =
  "clone clone3 fsconfig fsmount fsopen fspick keyctl mount move_mount open_tree pidfd_getfd pivot_root readdir reboot setns " +
  "syslog umount umount2 unshare";

const PODMAN_EPERM =
  "bdflush io_pgetevents kexec_file_load kexec_load membarrier migrate_pages move_pages nfsservctl nice oldfstat oldlstat " +
  "oldolduname oldstat olduname pciconfig_iobase pciconfig_read pciconfig_write sgetmask ssetmask swapcontext swapoff swapon " +
  "sysfs uselib userfaultfd ustat vm86 vm86old vmsplice";

const PODMAN_WITHOUT_CAPABILITIES =
  "open_by_handle_at bpf fanotify_init lookup_dcookie perf_event_open quotactl setdomainname sethostname setns chroot " +
  "delete_module init_module finit_module query_module get_mempolicy mbind set_mempolicy acct kcmp process_madvise " +
  "process_vm_readv process_vm_writev ptrace iopl ioperm settimeofday stime clock_settime clock_settime64 vhangup";

const ARM_CALLS = "arm_fadvise64_64 arm_sync_file_range sync_file_range2 breakpoint cacheflush set_tls";

const PERSONALITIES = [0x0, 0x8, 0x2_0000, 0x2_0008, 0xffff_ffff];

function allow(names: string, ...args: readonly SeccompArg[]): SeccompSyscall {
  return { names: names.split(" "), action: "SCMP_ACT_ALLOW", args };
}

function refuse(names: string, errnoRet: number, ...args: readonly SeccompArg[]): SeccompSyscall {
  return { names: names.split(" "), action: "SCMP_ACT_ERRNO", errnoRet, args };
}

function arg(index: number, op: SeccompOperator, value: number): SeccompArg {
  return { index, op, value, valueTwo: 0 };
}

/** Those that a profile names for one architecture only. */
function ownCalls(architecture: Architecture): readonly SeccompSyscall[] {
  return architecture === "arm64" ? [allow(ARM_CALLS)] : [allow("arch_prctl"), allow("modify_ldt")];
}

/** docker's default profile for a container without added capabilities, or with CAP_SYS_ADMIN and some others. */
export function dockerDefault(architecture: Architecture, isAdmin = false): Seccomp {
  return defaultSeccomp({ architecture, capabilities: isAdmin ? ADMIN : DEFAULT_CAPABILITIES });
}

/** What both of them allow every container. */
function common(): string {
  const other = new Set(DOCKER_ONLY.split(" "));
  return ALWAYS_ALLOWED.split(" ")
    .filter((name) => !other.has(name))
    .join(" ");
}

/** podman's default profile for a container with the default capabilities, which are without CAP_AUDIT_WRITE. */
export function podmanDefault(architecture: Architecture): Seccomp {
  return {
    defaultAction: "SCMP_ACT_ERRNO",
    defaultErrnoRet: 38,
    architectures: SECCOMP_ARCHITECTURES[architecture] ?? [],
    syscalls: [
      refuse(PODMAN_EPERM, 1),
      allow(`${common()} ${PODMAN_ONLY}`),
      ...PERSONALITIES.map((value) => allow("personality", arg(0, "SCMP_CMP_EQ", value))),
      ...ownCalls(architecture),
      refuse(PODMAN_WITHOUT_CAPABILITIES, 1),
      refuse("socket", 22, arg(0, "SCMP_CMP_EQ", 16), arg(2, "SCMP_CMP_EQ", 9)),
      allow("socket", arg(2, "SCMP_CMP_NE", 9)),
      allow("socket", arg(0, "SCMP_CMP_NE", 16)),
      allow("socket", arg(2, "SCMP_CMP_NE", 9)),
    ],
  };
}
