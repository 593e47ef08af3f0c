/** linux/sched.h: the namespaces of clone(2), unshare(2) and setns(2). */
export const CLONE_NEW = {
  CLONE_NEWTIME: 0x80,
  CLONE_NEWNS: 0x20000,
  CLONE_NEWCGROUP: 0x2000000,
  CLONE_NEWUTS: 0x4000000,
  CLONE_NEWIPC: 0x8000000,
  CLONE_NEWUSER: 0x10000000,
  CLONE_NEWPID: 0x20000000,
  CLONE_NEWNET: 0x40000000,
} as const;

/** linux/sched.h: flags of clone(2) and clone3(2). */
export const CLONE = { ...CLONE_NEW, CLONE_PARENT: 0x8000, CLONE_INTO_CGROUP: 0x200000000n } as const;

/** linux/pidfd.h: PIDFD_GET_INFO is _IOWR(0xff, 11, struct pidfd_info of 64 bytes). */
export const PIDFD = { PIDFD_GET_INFO: 0xc040_ff0b, PIDFD_INFO_EXIT: 8 } as const;

/** linux/prctl.h: options of prctl(2). */
export const PRCTL = {
  PR_SET_PDEATHSIG: 1,
  PR_SET_DUMPABLE: 4,
  PR_SET_KEEPCAPS: 8,
  PR_CAPBSET_DROP: 24,
  PR_SET_NO_NEW_PRIVS: 38,
  PR_SET_CHILD_SUBREAPER: 36,
  PR_CAP_AMBIENT: 47,
} as const;

/** linux/prctl.h: PR_CAP_AMBIENT */
export const PR_CAP_AMBIENT = { PR_CAP_AMBIENT_RAISE: 2, PR_CAP_AMBIENT_CLEAR_ALL: 4 } as const;

/** linux/capability.h: _LINUX_CAPABILITY_VERSION_3, the layout with two 32-bit words a set. */
export const CAPABILITY_VERSION_3 = 0x20080522;

/** asm-generic/resource.h: the resources of prlimit(2). */
export const RLIMITS = {
  RLIMIT_CPU: 0,
  RLIMIT_FSIZE: 1,
  RLIMIT_DATA: 2,
  RLIMIT_STACK: 3,
  RLIMIT_CORE: 4,
  RLIMIT_RSS: 5,
  RLIMIT_NPROC: 6,
  RLIMIT_NOFILE: 7,
  RLIMIT_MEMLOCK: 8,
  RLIMIT_AS: 9,
  RLIMIT_LOCKS: 10,
  RLIMIT_SIGPENDING: 11,
  RLIMIT_MSGQUEUE: 12,
  RLIMIT_NICE: 13,
  RLIMIT_RTPRIO: 14,
  RLIMIT_RTTIME: 15,
} as const;

/** signal(7): the numbers on x86-64 and arm64. */
export const SIGNALS = {
  SIGHUP: 1,
  SIGINT: 2,
  SIGQUIT: 3,
  SIGILL: 4,
  SIGTRAP: 5,
  SIGABRT: 6,
  SIGBUS: 7,
  SIGFPE: 8,
  SIGKILL: 9,
  SIGUSR1: 10,
  SIGSEGV: 11,
  SIGUSR2: 12,
  SIGPIPE: 13,
  SIGALRM: 14,
  SIGTERM: 15,
  SIGSTKFLT: 16,
  SIGCHLD: 17,
  SIGCONT: 18,
  SIGSTOP: 19,
  SIGTSTP: 20,
  SIGTTIN: 21,
  SIGTTOU: 22,
  SIGURG: 23,
  SIGXCPU: 24,
  SIGXFSZ: 25,
  SIGVTALRM: 26,
  SIGPROF: 27,
  SIGWINCH: 28,
  SIGIO: 29,
  SIGPWR: 30,
  SIGSYS: 31,
} as const;

/** The size of the kernel's signal set: 64 signals. */
export const SIGSET_BYTES = 8;

/** keyctl(2) */
export const KEYCTL = { KEYCTL_JOIN_SESSION_KEYRING: 1, KEYCTL_SETPERM: 5 } as const;

/** wait(2) and waitid(2) */
export const WAIT = { WNOHANG: 1, WUNTRACED: 2, WEXITED: 4, WNOWAIT: 0x01000000 } as const;

/** waitid(2): any child. */
export const P_ALL = 0;
