/** ioctl_tty(2) */
export const TTY = {
  TCGETS: 0x5401,
  TCSETS: 0x5402,
  TIOCSCTTY: 0x540e,
  TIOCGWINSZ: 0x5413,
  TIOCSWINSZ: 0x5414,
  FIONREAD: 0x541b,
  TIOCSPTLCK: 0x40045431,
  TIOCGPTPEER: 0x5441,
} as const;

/** linux/major.h: the range of majors of /dev/pts. */
export const UNIX98_PTY_SLAVE_MAJOR = 136;
