/** The default profiles of docker (moby/profiles) and podman (containers/common), as they reach the runtime. */
import type { Architecture } from "../../lib/linux/constants/syscalls.ts";
import type { Seccomp, SeccompArch, SeccompArg, SeccompOperator, SeccompSyscall } from "../../lib/spec/seccomp.ts";

const ARCHITECTURES: Readonly<Record<Architecture, readonly SeccompArch[]>> = {
  x64: ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_X32"],
  arm64: ["SCMP_ARCH_AARCH64", "SCMP_ARCH_ARM"],
};

/** What both of them allow every container. */
const COMMON =
  "accept accept4 access adjtimex alarm bind brk capget capset chdir chmod chown chown32 clock_adjtime clock_adjtime64 " +
  "clock_getres clock_getres_time64 clock_gettime clock_gettime64 clock_nanosleep clock_nanosleep_time64 close close_range " +
  "connect copy_file_range creat dup dup2 dup3 epoll_create epoll_create1 epoll_ctl epoll_ctl_old epoll_pwait epoll_pwait2 " +
  "epoll_wait epoll_wait_old eventfd eventfd2 execve execveat exit exit_group faccessat faccessat2 fadvise64 fadvise64_64 " +
  "fallocate fanotify_mark fchdir fchmod fchmodat fchown fchown32 fchownat fcntl fcntl64 fdatasync fgetxattr flistxattr flock " +
  "fork fremovexattr fsetxattr fstat fstat64 fstatat64 fstatfs fstatfs64 fsync ftruncate ftruncate64 futex futex_time64 " +
  "futimesat getcpu getcwd getdents getdents64 getegid getegid32 geteuid geteuid32 getgid getgid32 getgroups getgroups32 " +
  "getitimer getpeername getpgid getpgrp getpid getppid getpriority getrandom getresgid getresgid32 getresuid getresuid32 " +
  "getrlimit get_robust_list getrusage getsid getsockname getsockopt get_thread_area gettid gettimeofday getuid getuid32 " +
  "getxattr inotify_add_watch inotify_init inotify_init1 inotify_rm_watch io_cancel ioctl io_destroy io_getevents ioprio_get " +
  "ioprio_set io_setup io_submit ipc kill lchown lchown32 lgetxattr link linkat listen listxattr llistxattr _llseek " +
  "lremovexattr lseek lsetxattr lstat lstat64 madvise memfd_create mincore mkdir mkdirat mknod mknodat mlock mlock2 mlockall " +
  "mmap mmap2 mprotect mq_getsetattr mq_notify mq_open mq_timedreceive mq_timedreceive_time64 mq_timedsend " +
  "mq_timedsend_time64 mq_unlink mremap msgctl msgget msgrcv msgsnd msync munlock munlockall munmap name_to_handle_at " +
  "nanosleep newfstatat _newselect open openat openat2 pause pidfd_open pidfd_send_signal pipe pipe2 pkey_alloc pkey_free " +
  "pkey_mprotect poll ppoll ppoll_time64 prctl pread64 preadv preadv2 prlimit64 pselect6 pselect6_time64 pwrite64 pwritev " +
  "pwritev2 read readahead readlink readlinkat readv recv recvfrom recvmmsg recvmmsg_time64 recvmsg remap_file_pages " +
  "removexattr rename renameat renameat2 restart_syscall rmdir rseq rt_sigaction rt_sigpending rt_sigprocmask " +
  "rt_sigqueueinfo rt_sigreturn rt_sigsuspend rt_sigtimedwait rt_sigtimedwait_time64 rt_tgsigqueueinfo sched_getaffinity " +
  "sched_getattr sched_getparam sched_get_priority_max sched_get_priority_min sched_getscheduler sched_rr_get_interval " +
  "sched_rr_get_interval_time64 sched_setaffinity sched_setattr sched_setparam sched_setscheduler sched_yield seccomp select " +
  "semctl semget semop semtimedop semtimedop_time64 send sendfile sendfile64 sendmmsg sendmsg sendto setfsgid setfsgid32 " +
  "setfsuid setfsuid32 setgid setgid32 setgroups setgroups32 setitimer setpgid setpriority setregid setregid32 setresgid " +
  "setresgid32 setresuid setresuid32 setreuid setreuid32 setrlimit set_robust_list setsid setsockopt set_thread_area " +
  "set_tid_address setuid setuid32 setxattr shmat shmctl shmdt shmget shutdown sigaltstack signalfd signalfd4 sigreturn " +
  "socketcall socketpair splice stat stat64 statfs statfs64 statx symlink symlinkat sync sync_file_range syncfs sysinfo tee " +
  "tgkill time timer_create timer_delete timer_getoverrun timer_gettime timer_gettime64 timer_settime timer_settime64 " +
  "timerfd_create timerfd_gettime timerfd_gettime64 timerfd_settime timerfd_settime64 times tkill truncate truncate64 " +
  "ugetrlimit umask uname unlink unlinkat utime utimensat utimensat_time64 utimes vfork wait4 waitid waitpid write writev";

const DOCKER_ONLY =
  "cachestat fchmodat2 futex_requeue futex_wait futex_waitv futex_wake getxattrat io_pgetevents io_pgetevents_time64 " +
  "landlock_add_rule landlock_create_ruleset landlock_restrict_self listmount listxattrat map_shadow_stack membarrier " +
  "memfd_secret mseal process_mrelease removexattrat riscv_hwprobe setxattrat sigprocmask statmount uretprobe vmsplice " +
  "process_vm_readv process_vm_writev ptrace";

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

const WITH_ADMIN =
  "bpf clone clone3 fanotify_init fsconfig fsmount fsopen fspick lookup_dcookie lsm_get_self_attr lsm_list_modules " +
  "lsm_set_self_attr mount mount_setattr move_mount open_tree perf_event_open quotactl quotactl_fd setdomainname sethostname " +
  "setns syslog umount umount2 unshare open_by_handle_at reboot chroot acct";

const ARM_CALLS = "arm_fadvise64_64 arm_sync_file_range sync_file_range2 breakpoint cacheflush set_tls";

const PERSONALITIES = [0x0, 0x8, 0x2_0000, 0x2_0008, 0xffff_ffff];

/** CLONE_NEW*, without which clone(2) is allowed. */
const CLONE_NAMESPACES = 0x7e02_0000;

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
  const forPrivileges = isAdmin
    ? [allow(WITH_ADMIN)]
    : [allow("clone", arg(0, "SCMP_CMP_MASKED_EQ", CLONE_NAMESPACES)), refuse("clone3", 38)];
  return {
    defaultAction: "SCMP_ACT_ERRNO",
    defaultErrnoRet: 1,
    architectures: ARCHITECTURES[architecture],
    syscalls: [
      allow(`${COMMON} ${DOCKER_ONLY}`),
      allow("socket", arg(0, "SCMP_CMP_LT", 38)),
      allow("socket", arg(0, "SCMP_CMP_EQ", 39)),
      allow("socket", arg(0, "SCMP_CMP_GT", 40)),
      ...PERSONALITIES.map((value) => allow("personality", arg(0, "SCMP_CMP_EQ", value))),
      ...ownCalls(architecture),
      ...forPrivileges,
    ],
  };
}

/** podman's default profile for a container with the default capabilities, which are without CAP_AUDIT_WRITE. */
export function podmanDefault(architecture: Architecture): Seccomp {
  return {
    defaultAction: "SCMP_ACT_ERRNO",
    defaultErrnoRet: 38,
    architectures: ARCHITECTURES[architecture],
    syscalls: [
      refuse(PODMAN_EPERM, 1),
      allow(`${COMMON} ${PODMAN_ONLY}`),
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
