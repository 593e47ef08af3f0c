/** linux/bpf.h: commands of bpf(2). */
export const BPF = { BPF_PROG_LOAD: 5, BPF_PROG_ATTACH: 8 } as const;

/** linux/bpf.h: what a device filter is, and where it goes. */
export const BPF_PROG_TYPE_CGROUP_DEVICE = 15;
export const BPF_CGROUP_DEVICE = 6;
export const BPF_F_ALLOW_MULTI = 2;

/** linux/bpf.h: `struct bpf_cgroup_dev_ctx`, its types and accesses. */
export const BPF_DEVCG = { BLOCK: 1, CHARACTER: 2, MKNOD: 1, READ: 2, WRITE: 4 } as const;
