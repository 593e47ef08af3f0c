/** linux/seccomp.h: operations of seccomp(2). */
export const SECCOMP = { SECCOMP_SET_MODE_FILTER: 1 } as const;

/** linux/seccomp.h: flags of SECCOMP_SET_MODE_FILTER. */
export const SECCOMP_FILTER_FLAG = {
  SECCOMP_FILTER_FLAG_TSYNC: 1,
  SECCOMP_FILTER_FLAG_LOG: 2,
  SECCOMP_FILTER_FLAG_SPEC_ALLOW: 4,
  SECCOMP_FILTER_FLAG_NEW_LISTENER: 8,
  SECCOMP_FILTER_FLAG_TSYNC_ESRCH: 16,
  SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV: 32,
} as const;

/** linux/seccomp.h: what a filter returns; the low 16 bits are data. */
export const SECCOMP_RET = {
  SECCOMP_RET_KILL_THREAD: 0,
  SECCOMP_RET_TRAP: 0x0003_0000,
  SECCOMP_RET_ERRNO: 0x0005_0000,
  SECCOMP_RET_USER_NOTIF: 0x7fc0_0000,
  SECCOMP_RET_TRACE: 0x7ff0_0000,
  SECCOMP_RET_LOG: 0x7ffc_0000,
  SECCOMP_RET_ALLOW: 0x7fff_0000,
  SECCOMP_RET_KILL_PROCESS: 0x8000_0000,
} as const;

/** linux/seccomp.h: SECCOMP_RET_DATA */
export const SECCOMP_RET_DATA = 0xffff;

/** linux/seccomp.h: offsets in `struct seccomp_data`: int nr, u32 arch, u64 instruction_pointer, u64 args[6]. */
export const SECCOMP_DATA = { nr: 0, arch: 4, args: 16 } as const;

/** linux/bpf_common.h and linux/filter.h: the opcodes a filter needs, complete. */
export const BPF = {
  /** BPF_LD | BPF_W | BPF_ABS */
  LOAD: 0x20,
  /** BPF_ALU | BPF_AND | BPF_K */
  AND: 0x54,
  /** BPF_JMP | BPF_JA */
  JUMP: 0x05,
  /** BPF_JMP | BPF_JEQ | BPF_K */
  JEQ: 0x15,
  /** BPF_JMP | BPF_JGT | BPF_K */
  JGT: 0x25,
  /** BPF_JMP | BPF_JGE | BPF_K */
  JGE: 0x35,
  /** BPF_RET | BPF_K */
  RET: 0x06,
} as const;

/** linux/bpf_common.h: BPF_MAXINSNS, the most instructions a filter can have. */
export const BPF_MAXINSNS = 4096;

/** linux/filter.h: `struct sock_filter`: u16 code, u8 jt, u8 jf, u32 k. */
export const SOCK_FILTER_BYTES = 8;

/** linux/filter.h: `struct sock_fprog`: u16 len, padding, pointer to the instructions. */
export const SOCK_FPROG_BYTES = 16;
export const SOCK_FPROG_FILTER = 8;

/** linux/audit.h: how seccomp_data.arch names an architecture; x32 goes by the token of x86-64. */
export const AUDIT_ARCH = {
  AUDIT_ARCH_I386: 0x4000_0003,
  AUDIT_ARCH_ARM: 0x4000_0028,
  AUDIT_ARCH_X86_64: 0xc000_003e,
  AUDIT_ARCH_AARCH64: 0xc000_00b7,
  AUDIT_ARCH_RISCV64: 0xc000_00f3,
} as const;

/** asm/unistd.h: __X32_SYSCALL_BIT, set in the number of every x32 system call. */
export const X32_SYSCALL_BIT = 0x4000_0000;

/** linux/net.h: the first argument of socketcall(2), by the call it stands for. */
export const SOCKETCALL: Readonly<Record<string, number>> = {
  socket: 1,
  bind: 2,
  connect: 3,
  listen: 4,
  accept: 5,
  getsockname: 6,
  getpeername: 7,
  socketpair: 8,
  send: 9,
  recv: 10,
  sendto: 11,
  recvfrom: 12,
  shutdown: 13,
  setsockopt: 14,
  getsockopt: 15,
  sendmsg: 16,
  recvmsg: 17,
  accept4: 18,
  recvmmsg: 19,
  sendmmsg: 20,
};

/** linux/ipc.h: the first argument of ipc(2), by the call it stands for. */
export const IPCCALL: Readonly<Record<string, number>> = {
  semop: 1,
  semget: 2,
  semctl: 3,
  semtimedop: 4,
  msgsnd: 11,
  msgrcv: 12,
  msgget: 13,
  msgctl: 14,
  shmat: 21,
  shmdt: 22,
  shmget: 23,
  shmctl: 24,
};
