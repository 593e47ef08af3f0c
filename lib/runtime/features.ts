import { ContainerError } from "../errors.ts";
import { MPOL, MPOL_FLAG } from "../linux/constants/scheduling.ts";
import type { Architecture } from "../linux/constants/syscalls.ts";
import { mountOptionNames } from "../plan/mount-options.ts";
import { targetsOf } from "../plan/seccomp/targets.ts";
import { refuseUnsupported } from "../plan/unsupported.ts";
import { CAPABILITIES } from "../spec/capability.ts";
import type { Config, NamespaceType } from "../spec/config.ts";
import type { SeccompAction, SeccompArch, SeccompFlag, SeccompOperator } from "../spec/seccomp.ts";

/** What tells this build from others. */
export interface BuildInfo {
  readonly ociVersionMax: string;
  readonly version: string;
  readonly commit: string;
}

/**
 * features.md of the runtime-spec: what this build supports, whatever the running kernel does. What `create` refuses by
 * name is asked of the same function, so that the two cannot differ.
 */
export function describeFeatures(architecture: Architecture, { ociVersionMax, version, commit }: BuildInfo): object {
  return {
    ociVersionMin: "1.0.0",
    ociVersionMax,
    hooks: ["prestart", "createRuntime", "createContainer", "startContainer", "poststart", "poststop"],
    mountOptions: mountOptionNames(),
    linux: {
      namespaces: NAMESPACES.toSorted(),
      capabilities: CAPABILITIES,
      cgroup: { v1: true, v2: true, systemd: true, systemdUser: true, rdma: true },
      seccomp: describeSeccomp(architecture),
      apparmor: { enabled: supports({ process: { cwd: "/", apparmorProfile: "x" } }) },
      selinux: { enabled: supports({ process: { cwd: "/", selinuxLabel: "x" } }) },
      intelRdt: { enabled: true, schemata: true, monitoring: true },
      memoryPolicy: { modes: Object.keys(MPOL), flags: Object.keys(MPOL_FLAG).sort() },
      mountExtensions: { idmap: { enabled: true } },
      netDevices: { enabled: supports({ linux: { netDevices: { eth0: {} } } }) },
    },
    annotations: {
      "org.tsrun.checkpoint.enabled": "false",
      "org.tsrun.commit": commit,
      "org.tsrun.version": version,
    },
    // All others are handed to hooks and to `state` and change nothing.
    potentiallyUnsafeConfigAnnotations: [
      "org.systemd.property.",
      "run.oci.keep_original_groups",
      "run.oci.mount_context_type",
      "run.oci.pidfd_receiver",
    ],
  };
}

const NAMESPACES: readonly NamespaceType[] = ["cgroup", "ipc", "mount", "network", "pid", "time", "user", "uts"];

const ACTIONS: readonly SeccompAction[] = [
  "SCMP_ACT_ALLOW",
  "SCMP_ACT_ERRNO",
  "SCMP_ACT_KILL",
  "SCMP_ACT_KILL_PROCESS",
  "SCMP_ACT_KILL_THREAD",
  "SCMP_ACT_LOG",
  "SCMP_ACT_NOTIFY",
  "SCMP_ACT_TRACE",
  "SCMP_ACT_TRAP",
];

const OPERATORS: readonly SeccompOperator[] = [
  "SCMP_CMP_EQ",
  "SCMP_CMP_GE",
  "SCMP_CMP_GT",
  "SCMP_CMP_LE",
  "SCMP_CMP_LT",
  "SCMP_CMP_MASKED_EQ",
  "SCMP_CMP_NE",
];

/** Candidates: `targetsOf()` knows which of them a filter can be made for. */
const ARCHS: readonly SeccompArch[] = [
  "SCMP_ARCH_AARCH64",
  "SCMP_ARCH_ARM",
  "SCMP_ARCH_LOONGARCH64",
  "SCMP_ARCH_M68K",
  "SCMP_ARCH_MIPS",
  "SCMP_ARCH_MIPS64",
  "SCMP_ARCH_MIPS64N32",
  "SCMP_ARCH_MIPSEL",
  "SCMP_ARCH_MIPSEL64",
  "SCMP_ARCH_MIPSEL64N32",
  "SCMP_ARCH_PARISC",
  "SCMP_ARCH_PARISC64",
  "SCMP_ARCH_PPC",
  "SCMP_ARCH_PPC64",
  "SCMP_ARCH_PPC64LE",
  "SCMP_ARCH_RISCV64",
  "SCMP_ARCH_S390",
  "SCMP_ARCH_S390X",
  "SCMP_ARCH_SH",
  "SCMP_ARCH_SHEB",
  "SCMP_ARCH_X32",
  "SCMP_ARCH_X86",
  "SCMP_ARCH_X86_64",
];

const FLAGS: readonly SeccompFlag[] = [
  "SECCOMP_FILTER_FLAG_LOG",
  "SECCOMP_FILTER_FLAG_SPEC_ALLOW",
  "SECCOMP_FILTER_FLAG_TSYNC",
  "SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV",
];

function describeSeccomp(architecture: Architecture): object {
  const targets = targetsOf({ defaultAction: "SCMP_ACT_ALLOW", architectures: ARCHS }, architecture);
  return {
    enabled: true,
    actions: ACTIONS,
    operators: OPERATORS,
    archs: targets.map(({ arch }) => arch).sort(),
    knownFlags: FLAGS,
    supportedFlags: FLAGS,
  };
}

/** Whether `create` takes a config with this in it. */
function supports(part: Partial<Config>): boolean {
  try {
    const linux = { namespaces: [{ type: "mount" }], ...part.linux } as const;
    refuseUnsupported({ ociVersion: "1.0.0", root: { path: "rootfs" }, ...part, linux });
    return true;
  } catch (error) {
    if (error instanceof ContainerError && error.code === "unimplemented") return false;
    throw error;
  }
}
