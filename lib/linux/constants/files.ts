/** fcntl.h: flags of openat(2) and openat2(2). */
export const OPEN = {
  O_RDONLY: 0,
  O_WRONLY: 0o1,
  O_RDWR: 0o2,
  O_CREAT: 0o100,
  O_EXCL: 0o200,
  O_NOCTTY: 0o400,
  O_TRUNC: 0o1000,
  O_APPEND: 0o2000,
  O_NONBLOCK: 0o4000,
  O_DIRECTORY: 0o200000,
  O_NOFOLLOW: 0o400000,
  O_CLOEXEC: 0o2000000,
  O_PATH: 0o10000000,
} as const;

/** unistd.h: what an offset of lseek(2) counts from, or looks for. */
export const SEEK = { SEEK_SET: 0, SEEK_DATA: 3, SEEK_HOLE: 4 } as const;

/** fcntl.h: flags of the *at() system calls. */
export const AT = {
  AT_SYMLINK_NOFOLLOW: 0x100,
  AT_REMOVEDIR: 0x200,
  AT_EACCESS: 0x200,
  AT_EMPTY_PATH: 0x1000,
  AT_RECURSIVE: 0x8000,
} as const;

/** fcntl.h: stands for the working directory where a directory's descriptor is wanted. */
export const AT_FDCWD = -100;

/** linux/openat2.h */
export const RESOLVE = {
  RESOLVE_NO_XDEV: 0x01,
  RESOLVE_NO_MAGICLINKS: 0x02,
  RESOLVE_NO_SYMLINKS: 0x04,
  RESOLVE_BENEATH: 0x08,
  RESOLVE_IN_ROOT: 0x10,
} as const;

/** stat.h: file types in `st_mode`. */
export const FILE_TYPE = {
  S_IFIFO: 0o010000,
  S_IFCHR: 0o020000,
  S_IFDIR: 0o040000,
  S_IFBLK: 0o060000,
  S_IFREG: 0o100000,
  S_IFLNK: 0o120000,
  S_IFSOCK: 0o140000,
} as const;

/** linux/magic.h: `f_type` of statfs(2). */
export const FILESYSTEM_MAGIC = {
  CGROUP2_SUPER_MAGIC: 0x63677270,
  CGROUP_SUPER_MAGIC: 0x27e0eb,
  DEVPTS_SUPER_MAGIC: 0x1cd1,
  PROC_SUPER_MAGIC: 0x9fa0,
  TMPFS_MAGIC: 0x01021994,
} as const;

/** fcntl(2) */
export const FCNTL = {
  F_DUPFD: 0,
  F_SETFD: 2,
  F_GETFL: 3,
  F_SETFL: 4,
  F_SETOWN: 8,
  F_DUPFD_CLOEXEC: 1030,
  F_ADD_SEALS: 1033,
} as const;

/** fcntl(2), F_SETFL: SIGIO when something can be read. */
export const O_ASYNC = 0o20000;

/** fcntl(2), F_ADD_SEALS: nothing of the file can be changed any more. */
export const ALL_SEALS = 0x1 | 0x2 | 0x4 | 0x8;

/** memfd_create(2) */
export const MEMFD = { MFD_CLOEXEC: 1, MFD_ALLOW_SEALING: 2, MFD_EXEC: 0x10 } as const;

/** linux/close_range.h */
export const CLOSE_RANGE = { CLOSE_RANGE_UNSHARE: 2, CLOSE_RANGE_CLOEXEC: 4 } as const;

/** flock(2) */
export const LOCK = { LOCK_SH: 1, LOCK_EX: 2, LOCK_NB: 4, LOCK_UN: 8 } as const;
