import { SYSCALL_COLUMNS, syscallTable } from "../../lib/linux/constants/seccomp-syscalls.ts";
import type { Oracle, SCMP_ARCH } from "./oracle.ts";

const COLUMNS = {
  SCMP_ARCH_X86_64: SYSCALL_COLUMNS.x86_64,
  SCMP_ARCH_X86: SYSCALL_COLUMNS.x86,
  SCMP_ARCH_X32: SYSCALL_COLUMNS.x32,
  SCMP_ARCH_AARCH64: SYSCALL_COLUMNS.arm64,
  SCMP_ARCH_ARM: SYSCALL_COLUMNS.arm,
  SCMP_ARCH_RISCV64: SYSCALL_COLUMNS.riscv64,
} as const satisfies Record<keyof typeof SCMP_ARCH, number>;

const X32_BIT = 0x4000_0000;
const LAST_NUMBER = 560;
const ARM_PRIVATE = [0xf_0001, 0xf_0002, 0xf_0003, 0xf_0004, 0xf_0005, 0xf_0006];

/** Where our table and libseccomp's contradict each other, and what it has that ours lacks. */
export function compareTables(oracle: Oracle, arch: keyof typeof SCMP_ARCH): readonly string[] {
  const faults: string[] = [];
  const bit = arch === "SCMP_ARCH_X32" ? X32_BIT : 0;
  const table = Object.entries(syscallTable());
  const theirs = oracle.numbers(
    arch,
    table.map(([name]) => name),
  );
  for (const [index, [name, row]] of table.entries()) {
    const own = row[COLUMNS[arch]] ?? -1;
    const other = theirs[index] ?? -1;
    // Negative: unknown, not on this architecture, or a part of socketcall(2) or ipc(2).
    if (other >= 0 && own + bit !== other) faults.push(`${name}: ${own}, libseccomp has ${other - bit}`);
  }
  const numbers = [...Array(LAST_NUMBER).keys(), ...ARM_PRIVATE];
  for (const [index, name] of oracle
    .names(
      arch,
      numbers.map((number) => number + bit),
    )
    .entries()) {
    if (name === "-") continue;
    if (syscallTable()[name]?.[COLUMNS[arch]] !== numbers[index])
      faults.push(`${numbers[index]}: libseccomp calls it ${name}`);
  }
  return faults;
}

/** The pseudo numbers of calls that libseccomp splits into a direct one and a part of socketcall(2) or ipc(2). */
const FIRST_PSEUDO = -224;
const LAST_PSEUDO = -100;

/** The names that libseccomp does not know on all architectures that have them, because they are newer than it is. */
export function newerNames(oracle: Oracle): ReadonlySet<string> {
  const names = Object.keys(syscallTable());
  const found = new Set<string>();
  for (const arch of Object.keys(COLUMNS) as (keyof typeof COLUMNS)[]) {
    const numbers = oracle.numbers(arch, names);
    for (const [index, name] of names.entries()) {
      const own = syscallTable()[name]?.[COLUMNS[arch]] ?? -1;
      const other = numbers[index] ?? -1;
      const isSplit = other >= FIRST_PSEUDO && other <= LAST_PSEUDO;
      if (own !== -1 && other < 0 && !isSplit) found.add(name);
    }
  }
  return found;
}
