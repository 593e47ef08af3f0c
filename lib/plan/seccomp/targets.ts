import { AUDIT_ARCH, X32_SYSCALL_BIT } from "../../linux/constants/seccomp.ts";
import { SYSCALL_COLUMNS } from "../../linux/constants/seccomp-syscalls.ts";
import type { Architecture } from "../../linux/constants/syscalls.ts";
import type { Seccomp, SeccompArch } from "../../spec/seccomp.ts";

/** An ABI that a filter decides for. */
export interface Target {
  readonly arch: SeccompArch;
  /** `seccomp_data.arch` */
  readonly token: number;
  readonly column: number;
  /** How much of an argument is compared: on 32-bit ABIs libseccomp, and so every profile, looks at the low word only. */
  readonly bits: 32 | 64;
  /** Set in every system call number. */
  readonly numberBit: number;
  /** The numbers of the calls that the socket and ipc families can also be made through. */
  readonly multiplexers?: { readonly socketcall: number; readonly ipc: number };
}

const TARGETS: Readonly<Partial<Record<SeccompArch, Target>>> = {
  SCMP_ARCH_X86_64: target("SCMP_ARCH_X86_64", AUDIT_ARCH.AUDIT_ARCH_X86_64, SYSCALL_COLUMNS.x86_64, 64),
  SCMP_ARCH_X86: {
    ...target("SCMP_ARCH_X86", AUDIT_ARCH.AUDIT_ARCH_I386, SYSCALL_COLUMNS.x86, 32),
    multiplexers: { socketcall: 102, ipc: 117 },
  },
  SCMP_ARCH_X32: {
    ...target("SCMP_ARCH_X32", AUDIT_ARCH.AUDIT_ARCH_X86_64, SYSCALL_COLUMNS.x32, 32),
    numberBit: X32_SYSCALL_BIT,
  },
  SCMP_ARCH_AARCH64: target("SCMP_ARCH_AARCH64", AUDIT_ARCH.AUDIT_ARCH_AARCH64, SYSCALL_COLUMNS.arm64, 64),
  SCMP_ARCH_ARM: target("SCMP_ARCH_ARM", AUDIT_ARCH.AUDIT_ARCH_ARM, SYSCALL_COLUMNS.arm, 32),
  SCMP_ARCH_RISCV64: target("SCMP_ARCH_RISCV64", AUDIT_ARCH.AUDIT_ARCH_RISCV64, SYSCALL_COLUMNS.riscv64, 64),
};

function target(arch: SeccompArch, token: number, column: number, bits: 32 | 64): Target {
  return { arch, token, column, bits, numberBit: 0 };
}

/** The ABI of the host's own programs. */
export function nativeArch(architecture: Architecture): SeccompArch {
  return architecture === "x64" ? "SCMP_ARCH_X86_64" : "SCMP_ARCH_AARCH64";
}

/**
 * The ABIs of a filter: the native one, which runc always adds, then those listed. Architectures that no kernel for
 * x86-64 or arm64 runs are left out: as everything that is not in the filter they end in a kill.
 */
export function targetsOf({ architectures = [] }: Seccomp, architecture: Architecture): readonly Target[] {
  const found: Target[] = [];
  for (const arch of new Set([nativeArch(architecture), ...architectures])) {
    const known = TARGETS[arch];
    if (known !== undefined) found.push(known);
  }
  return found;
}
