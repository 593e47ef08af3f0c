/** linux/mount.h: attributes of fsmount(2) and mount_setattr(2). */
export const MOUNT_ATTR = {
  MOUNT_ATTR_RDONLY: 0x1,
  MOUNT_ATTR_NOSUID: 0x2,
  MOUNT_ATTR_NODEV: 0x4,
  MOUNT_ATTR_NOEXEC: 0x8,
  MOUNT_ATTR_NOATIME: 0x10,
  MOUNT_ATTR_STRICTATIME: 0x20,
  MOUNT_ATTR_NODIRATIME: 0x80,
  MOUNT_ATTR_IDMAP: 0x100000,
  MOUNT_ATTR_NOSYMFOLLOW: 0x200000,
} as const;

/** linux/mount.h: the access time modes are values of one field, not independent bits; RELATIME is 0. */
export const MOUNT_ATTR__ATIME = 0x70;

/** linux/mount.h: propagation types, of mount(2) and of `mount_attr.propagation`. */
export const PROPAGATION = {
  MS_UNBINDABLE: 1 << 17,
  MS_PRIVATE: 1 << 18,
  MS_SLAVE: 1 << 19,
  MS_SHARED: 1 << 20,
} as const;

/** mount(2): flags of the mount itself. */
export const MS = {
  MS_RDONLY: 1,
  MS_NOSUID: 2,
  MS_NODEV: 4,
  MS_NOEXEC: 8,
  MS_SYNCHRONOUS: 16,
  MS_REMOUNT: 32,
  MS_DIRSYNC: 128,
  MS_NOSYMFOLLOW: 256,
  MS_NOATIME: 1024,
  MS_NODIRATIME: 2048,
  MS_BIND: 4096,
  MS_RELATIME: 1 << 21,
  MS_STRICTATIME: 1 << 24,
  MS_LAZYTIME: 1 << 25,
} as const;

/** mount(2): applies to the whole tree below. */
export const MS_REC = 0x4000;

/** linux/mount.h: commands of fsconfig(2). */
export const FSCONFIG = {
  FSCONFIG_SET_FLAG: 0,
  FSCONFIG_SET_STRING: 1,
  FSCONFIG_CMD_CREATE: 6,
  FSCONFIG_CMD_RECONFIGURE: 7,
} as const;

/** fsopen(2), fspick(2) and fsmount(2): close the descriptor on execve(2). */
export const FSOPEN = { FSOPEN_CLOEXEC: 1 } as const;
export const FSPICK = { FSPICK_CLOEXEC: 1, FSPICK_EMPTY_PATH: 8 } as const;
export const FSMOUNT = { FSMOUNT_CLOEXEC: 1 } as const;

/** open_tree(2); takes AT_EMPTY_PATH and AT_RECURSIVE too. */
export const OPEN_TREE = { OPEN_TREE_CLONE: 1, OPEN_TREE_CLOEXEC: 0o2000000 } as const;

/** move_mount(2) */
export const MOVE_MOUNT = {
  MOVE_MOUNT_F_SYMLINKS: 0x1,
  MOVE_MOUNT_F_EMPTY_PATH: 0x4,
  MOVE_MOUNT_T_EMPTY_PATH: 0x40,
} as const;

/** umount2(2) */
export const UMOUNT = { MNT_DETACH: 2, UMOUNT_NOFOLLOW: 8 } as const;
