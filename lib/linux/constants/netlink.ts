/** linux/netlink.h, linux/rtnetlink.h: what is asked of the kernel about links and addresses. */
export const NETLINK_ROUTE = 0;

/** sys/socket.h and netlink(7) */
export const AF_NETLINK = 16;
export const SOCK_RAW = 3;

/** rtnetlink(7): types of messages. */
export const RTM = { RTM_NEWLINK: 16, RTM_GETLINK: 18, RTM_NEWADDR: 20, RTM_GETADDR: 22 } as const;

/** netlink(7): types of the answers that end a request. */
export const NLMSG = { NLMSG_ERROR: 2, NLMSG_DONE: 3 } as const;

/** netlink(7): flags of a request; REPLACE and EXCL of one that makes, DUMP of one that lists. */
export const NLM_F = {
  NLM_F_REQUEST: 1,
  NLM_F_ACK: 4,
  NLM_F_DUMP: 0x300,
  NLM_F_CREATE: 0x400,
  NLM_F_EXCL: 0x200,
} as const;

/** linux/if_link.h: attributes of a link. */
export const IFLA = { IFLA_IFNAME: 3, IFLA_NET_NS_PID: 19 } as const;

/** linux/if_addr.h: attributes of an address, and the flags among them (`ifa_flags` holds the first eight). */
export const IFA = { IFA_ADDRESS: 1, IFA_LOCAL: 2, IFA_BROADCAST: 4, IFA_FLAGS: 8 } as const;
export const IFA_F_PERMANENT = 0x80;

/** linux/rtnetlink.h: reaches everywhere. */
export const RT_SCOPE_UNIVERSE = 0;
