import { join } from "node:path";
import { AUDIT_ARCH } from "../../lib/linux/constants/seccomp.ts";
import type { Architecture } from "../../lib/linux/constants/syscalls.ts";
import { returnValue } from "../../lib/plan/seccomp/actions.ts";
import { nativeArch } from "../../lib/plan/seccomp/targets.ts";
import type { Seccomp, SeccompArch, SeccompArg, SeccompOperator, SeccompSyscall } from "../../lib/spec/seccomp.ts";

/** seccomp.h: SCMP_ARCH_*; x32 has a token of libseccomp's own. */
export const SCMP_ARCH = {
  SCMP_ARCH_X86_64: AUDIT_ARCH.AUDIT_ARCH_X86_64,
  SCMP_ARCH_X86: AUDIT_ARCH.AUDIT_ARCH_I386,
  SCMP_ARCH_X32: 0x4000_003e,
  SCMP_ARCH_AARCH64: AUDIT_ARCH.AUDIT_ARCH_AARCH64,
  SCMP_ARCH_ARM: AUDIT_ARCH.AUDIT_ARCH_ARM,
  SCMP_ARCH_RISCV64: AUDIT_ARCH.AUDIT_ARCH_RISCV64,
} as const satisfies Partial<Record<SeccompArch, number>>;

/** seccomp.h: enum scmp_compare */
const SCMP_CMP: Readonly<Record<SeccompOperator, number>> = {
  SCMP_CMP_NE: 1,
  SCMP_CMP_LT: 2,
  SCMP_CMP_LE: 3,
  SCMP_CMP_EQ: 4,
  SCMP_CMP_GE: 5,
  SCMP_CMP_GT: 6,
  SCMP_CMP_MASKED_EQ: 7,
};

/** What libseccomp made of a profile. */
export type Opinion = { readonly program: Uint8Array } | { readonly refused: string } | { readonly died: string };

/** libseccomp, behind the program oracle.c. */
export interface Oracle {
  compile(seccomp: Seccomp, architecture: Architecture, exact: ReadonlyMap<string, bigint>): Opinion;
  /** The number of each name on an architecture: negative ones are none. */
  numbers(arch: keyof typeof SCMP_ARCH, names: readonly string[]): readonly number[];
  /** The name of each number, "-": none. */
  names(arch: keyof typeof SCMP_ARCH, numbers: readonly number[]): readonly string[];
}

const REFUSED = 3;
const NO_PROGRAM = 4;
/** libseccomp 2.5.4 ties knots into its tree, in which it runs round for ever. */
const TIMEOUT_MS = 2_000;

/** Builds oracle.c in `folder`. @throws {Error} without a compiler or libseccomp-dev */
export function buildOracle(folder: string): Oracle {
  const path = join(folder, "oracle");
  const source = join(import.meta.dir, "oracle.c");
  const cmd = ["cc", "-std=c11", "-D_DEFAULT_SOURCE", "-O1", "-Wall", "-Wextra", "-o", path, source, "-lseccomp"];
  const { success, stderr } = Bun.spawnSync({ cmd, stderr: "pipe" });
  if (!success) throw new Error(`cannot build oracle.c: is libseccomp-dev there? ${stderr.toString()}`);
  const resolve = (mode: string, arch: keyof typeof SCMP_ARCH, items: readonly (string | number)[]): string[] => {
    const lines = items.map((item) => `${SCMP_ARCH[arch]} ${item}\n`).join("");
    return run([path, mode], lines).stdout.toString().trim().split("\n");
  };
  return {
    compile: (seccomp, architecture, exact) => compile(path, profileLines(seccomp, architecture, exact)),
    numbers: (arch, names) => resolve("names", arch, names).map(Number),
    names: (arch, numbers) => resolve("numbers", arch, numbers),
  };
}

function run(cmd: readonly string[], input: string): Bun.SyncSubprocess<"pipe", "pipe"> {
  const options = { stdout: "pipe", stderr: "pipe", timeout: TIMEOUT_MS } as const;
  return Bun.spawnSync({ cmd: [...cmd], stdin: Buffer.from(input), ...options });
}

function compile(path: string, lines: readonly string[]): Opinion {
  const { exitCode, signalCode, stdout, stderr } = run([path], lines.join(""));
  if (exitCode === 0) return { program: new Uint8Array(stdout) };
  if (exitCode === REFUSED) return { refused: stderr.toString().trim() };
  if (signalCode !== undefined && signalCode !== null) return { died: String(signalCode) };
  if (exitCode === NO_PROGRAM) return { died: "cannot export the program" };
  throw new Error(`oracle ended with ${exitCode}: ${stderr.toString()}`);
}

/** Names in a profile above which runc asks for a binary tree. */
const LONG_PROFILE = 32;

/** The profile as runc gives it to libseccomp. */
function profileLines(
  seccomp: Seccomp,
  architecture: Architecture,
  exact: ReadonlyMap<string, bigint>,
): readonly string[] {
  const value = returnValue(seccomp.defaultAction, seccomp.defaultErrnoRet);
  const syscalls = seccomp.syscalls ?? [];
  const native = nativeArch(architecture);
  const known = (seccomp.architectures ?? []).filter((arch) => arch !== native && isKnown(arch));
  return [
    `default ${value}\n`,
    ...(isKnown(native) && architecture === "arm64" ? [`only ${SCMP_ARCH[native]}\n`] : []),
    ...known.map((arch) => `arch ${isKnown(arch) ? SCMP_ARCH[arch] : 0}\n`),
    `optimize ${syscalls.flatMap(({ names }) => names).length > LONG_PROFILE ? 2 : 1}\n`,
    ...syscalls.flatMap((entry, index) => ruleLines(entry, `/linux/seccomp/syscalls/${index}`, value, exact)),
  ];
}

function isKnown(arch: SeccompArch): arch is keyof typeof SCMP_ARCH {
  return Object.hasOwn(SCMP_ARCH, arch);
}

function ruleLines(
  { names, action, errnoRet, args = [] }: SeccompSyscall,
  at: string,
  defaultValue: number,
  exact: ReadonlyMap<string, bigint>,
): readonly string[] {
  const value = returnValue(action, errnoRet);
  if (value === defaultValue) return [];
  const texts = args.map((arg, index) => argText(arg, `${at}/args/${index}`, exact));
  const repeated = new Set(args.map(({ index }) => index)).size < args.length;
  const variants = repeated ? texts : [texts.join("")];
  return names.flatMap((name) => variants.map((text) => `rule ${value} ${name}${text}\n`));
}

function argText(
  { index, op, value, valueTwo = 0 }: SeccompArg,
  at: string,
  exact: ReadonlyMap<string, bigint>,
): string {
  const first = exact.get(`${at}/value`) ?? BigInt(value);
  const second = exact.get(`${at}/valueTwo`) ?? BigInt(valueTwo);
  return ` ${index} ${SCMP_CMP[op]} ${first} ${second}`;
}
