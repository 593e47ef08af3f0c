import type { MessageOf } from "./protobuf.ts";

/** rpc.proto, enum criu_req_type. */
export const REQUEST = { DUMP: 1, RESTORE: 2, PRE_DUMP: 4, NOTIFY: 6, FEATURE_CHECK: 9, VERSION: 10 } as const;

export type RequestName = keyof typeof REQUEST;

/** rpc.proto, enum criu_cg_mode: what criu does with cgroups that are there, or not, on restore. */
export const CGROUPS_MODE = { ignore: 0, soft: 3, full: 4, strict: 5 } as const;

export type CgroupsMode = keyof typeof CGROUPS_MODE;

const PAGE_SERVER = { address: { number: 1, type: "text" }, port: { number: 2, type: "number" } } as const;
const EXTERNAL_MOUNT = { key: { number: 1, type: "text" }, val: { number: 2, type: "text" } } as const;
const CGROUP_ROOT = { ctrl: { number: 1, type: "text" }, path: { number: 2, type: "text" } } as const;
const INHERITED_FD = { key: { number: 1, type: "text" }, fd: { number: 2, type: "number" } } as const;
const JOINED_NAMESPACE = { ns: { number: 1, type: "text" }, file: { number: 2, type: "text" } } as const;

/** rpc.proto, message criu_opts, as far as we use it; the names are criu's. */
const OPTIONS = {
  imagesDirFd: { number: 1, type: "number" },
  pid: { number: 2, type: "number" },
  leaveRunning: { number: 3, type: "bool" },
  extUnixSk: { number: 4, type: "bool" },
  tcpEstablished: { number: 5, type: "bool" },
  evasiveDevices: { number: 6, type: "bool" },
  shellJob: { number: 7, type: "bool" },
  fileLocks: { number: 8, type: "bool" },
  logLevel: { number: 9, type: "number" },
  logFile: { number: 10, type: "text" },
  ps: { number: 11, type: PAGE_SERVER },
  notifyScripts: { number: 12, type: "bool" },
  root: { number: 13, type: "text" },
  parentImg: { number: 14, type: "text" },
  trackMem: { number: 15, type: "bool" },
  autoDedup: { number: 16, type: "bool" },
  workDirFd: { number: 17, type: "number" },
  linkRemap: { number: 18, type: "bool" },
  extMnt: { number: 23, type: EXTERNAL_MOUNT, repeated: true },
  manageCgroups: { number: 24, type: "bool" },
  cgRoot: { number: 25, type: CGROUP_ROOT, repeated: true },
  rstSibling: { number: 26, type: "bool" },
  inheritFd: { number: 27, type: INHERITED_FD, repeated: true },
  manageCgroupsMode: { number: 34, type: "number" },
  external: { number: 37, type: "text", repeated: true },
  emptyNs: { number: 38, type: "number" },
  joinNs: { number: 39, type: JOINED_NAMESPACE, repeated: true },
  freezeCgroup: { number: 44, type: "text" },
  tcpSkipInFlight: { number: 46, type: "bool" },
  lazyPages: { number: 48, type: "bool" },
  orphanPtsMaster: { number: 50, type: "bool" },
  configFile: { number: 51, type: "text" },
  lsmProfile: { number: 53, type: "text" },
  lsmMountContext: { number: 63, type: "text" },
} as const;

const FEATURES = { memTrack: { number: 1, type: "bool" }, lazyPages: { number: 2, type: "bool" } } as const;

/** rpc.proto, message criu_req. */
export const REQUEST_SCHEMA = {
  type: { number: 1, type: "number" },
  opts: { number: 2, type: OPTIONS },
  notifySuccess: { number: 3, type: "bool" },
  features: { number: 5, type: FEATURES },
} as const;

const NOTIFICATION = { script: { number: 1, type: "text" }, pid: { number: 2, type: "number" } } as const;
const VERSION = {
  major: { number: 1, type: "number" },
  minor: { number: 2, type: "number" },
  sublevel: { number: 4, type: "number" },
} as const;

/** rpc.proto, message criu_resp. */
export const RESPONSE_SCHEMA = {
  type: { number: 1, type: "number" },
  success: { number: 2, type: "bool" },
  restore: { number: 4, type: { pid: { number: 1, type: "number" } } },
  notify: { number: 5, type: NOTIFICATION },
  errno: { number: 7, type: "number" },
  features: { number: 8, type: FEATURES },
  errorMessage: { number: 9, type: "text" },
  version: { number: 10, type: VERSION },
} as const;

export type CriuOptions = MessageOf<typeof OPTIONS>;
export type CriuRequest = MessageOf<typeof REQUEST_SCHEMA>;
export type CriuResponse = MessageOf<typeof RESPONSE_SCHEMA>;
export type CriuFeatures = MessageOf<typeof FEATURES>;
