import type { Config, LinuxNamespace, Mount } from "./config.ts";

/** What the content of a new config.json depends on. */
export interface DefaultConfigOptions {
  readonly rootless: boolean;
  /** Effective ids of the caller; the container's root is mapped to them when rootless. */
  readonly uid: number;
  readonly gid: number;
  /** `unified`: cgroup v2 alone, where the container gets a cgroup namespace. */
  readonly cgroupMode: "legacy" | "hybrid" | "unified";
}

const SPEC_VERSION = "1.3.0";

/** `runc spec`: the config.json to start from, with runc's values in runc's order. */
export function defaultConfig({ rootless, uid, gid, cgroupMode }: DefaultConfigOptions): Config {
  const capabilities = ["CAP_AUDIT_WRITE", "CAP_KILL", "CAP_NET_BIND_SERVICE"];
  return {
    ociVersion: SPEC_VERSION,
    process: {
      terminal: true,
      user: { uid: 0, gid: 0 },
      args: ["sh"],
      env: ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "TERM=xterm"],
      cwd: "/",
      capabilities: { bounding: capabilities, effective: capabilities, permitted: capabilities },
      rlimits: [{ type: "RLIMIT_NOFILE", hard: 1024, soft: 1024 }],
      noNewPrivileges: true,
    },
    root: { path: "rootfs", readonly: true },
    hostname: "runc",
    mounts: defaultMounts(rootless),
    linux: {
      ...(rootless
        ? {
            uidMappings: [{ containerID: 0, hostID: uid, size: 1 }],
            gidMappings: [{ containerID: 0, hostID: gid, size: 1 }],
          }
        : { resources: { devices: [{ allow: false, access: "rwm" }] } }),
      namespaces: defaultNamespaces(rootless, cgroupMode),
      maskedPaths: [
        "/proc/acpi",
        "/proc/asound",
        "/proc/kcore",
        "/proc/keys",
        "/proc/latency_stats",
        "/proc/timer_list",
        "/proc/timer_stats",
        "/proc/sched_debug",
        // The power meter of the processor tells what its neighbours compute.
        "/sys/devices/virtual/powercap",
        "/sys/firmware",
        "/proc/scsi",
      ],
      readonlyPaths: ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"],
    },
  };
}

function defaultMounts(rootless: boolean): Mount[] {
  // A group that is not mapped cannot own a device.
  const ttyGroup = rootless ? [] : ["gid=5"];
  return [
    { destination: "/proc", type: "proc", source: "proc" },
    {
      destination: "/dev",
      type: "tmpfs",
      source: "tmpfs",
      options: ["nosuid", "strictatime", "mode=755", "size=65536k"],
    },
    {
      destination: "/dev/pts",
      type: "devpts",
      source: "devpts",
      options: ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", ...ttyGroup],
    },
    {
      destination: "/dev/shm",
      type: "tmpfs",
      source: "shm",
      options: ["nosuid", "noexec", "nodev", "mode=1777", "size=65536k"],
    },
    { destination: "/dev/mqueue", type: "mqueue", source: "mqueue", options: ["nosuid", "noexec", "nodev"] },
    rootless
      ? { destination: "/sys", type: "none", source: "/sys", options: ["rbind", "nosuid", "noexec", "nodev", "ro"] }
      : { destination: "/sys", type: "sysfs", source: "sysfs", options: ["nosuid", "noexec", "nodev", "ro"] },
    {
      destination: "/sys/fs/cgroup",
      type: "cgroup",
      source: "cgroup",
      options: ["nosuid", "noexec", "nodev", "relatime", "ro"],
    },
  ];
}

function defaultNamespaces(rootless: boolean, cgroupMode: DefaultConfigOptions["cgroupMode"]): LinuxNamespace[] {
  return [
    { type: "pid" },
    ...(rootless ? [] : [{ type: "network" } as const]),
    { type: "ipc" },
    { type: "uts" },
    { type: "mount" },
    ...(cgroupMode === "unified" ? [{ type: "cgroup" } as const] : []),
    ...(rootless ? [{ type: "user" } as const] : []),
  ];
}

/** A config as the text of a config.json, the way runc writes it: indented by tabs, no newline at the end. */
export function stringifyConfig(config: Config): string {
  return JSON.stringify(config, undefined, "\t");
}
