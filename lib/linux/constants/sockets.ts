/** sys/socket.h */
export const SOCKET = { AF_UNIX: 1, AF_INET: 2, SOCK_STREAM: 1, SOCK_DGRAM: 2, SOCK_SEQPACKET: 5 } as const;

/** sys/socket.h: may be added to the type of a socket, and is the flag of accept4(2). */
export const SOCK_FLAGS = { SOCK_CLOEXEC: 0o2000000, SOCK_NONBLOCK: 0o4000 } as const;

/** recv(2) and send(2) */
export const MSG = { MSG_DONTWAIT: 0x40, MSG_NOSIGNAL: 0x4000, MSG_CMSG_CLOEXEC: 0x40000000 } as const;

/** unix(7): level and type of the control message that carries descriptors. */
export const SOL_SOCKET = 1;
export const SCM_RIGHTS = 1;
/** socket(7), unix(7): who is at the other end, and its further groups. */
export const SO_PEERCRED = 17;
export const SO_PEERGROUPS = 59;

/** netdevice(7) */
export const SIOCSIFFLAGS = 0x8914;
export const IFF_UP = 1;
export const IFF_LOOPBACK = 8;

/** poll(2) */
export const POLL = { POLLIN: 1, POLLOUT: 4, POLLERR: 8, POLLHUP: 16 } as const;
