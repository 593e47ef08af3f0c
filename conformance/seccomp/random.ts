import type {
  Seccomp,
  SeccompAction,
  SeccompArch,
  SeccompArg,
  SeccompOperator,
  SeccompSyscall,
} from "../../lib/spec/seccomp.ts";

/** Numbers that are the same for the same seed: Numerical Recipes' linear congruential generator. */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed;
  }

  /** An integer from 0 to `end` - 1. */
  below(end: number): number {
    this.#state = (this.#state * 1_664_525 + 1_013_904_223) % 2 ** 32;
    return Math.floor((this.#state / 2 ** 32) * end);
  }

  pick<T>(items: readonly [T, ...T[]]): T {
    return items[this.below(items.length)] ?? items[0];
  }
}

/** A profile, with the exact values that JSON numbers cannot hold. */
export interface RandomProfile {
  readonly seccomp: Seccomp;
  readonly exact: ReadonlyMap<string, bigint>;
}

const NAMES = [
  ...[
    "read",
    "write",
    "open",
    "close",
    "clone",
    "clone3",
    "personality",
    "ioctl",
    "prctl",
    "mmap2",
    "_llseek",
    "unshare",
  ],
  ...[
    "socket",
    "accept4",
    "recv",
    "semop",
    "shmat",
    "socketcall",
    "ipc",
    "msgget",
    "openat2",
    "no_such_call",
    "faccessat2",
  ],
] as const;

const DEFAULTS = ["SCMP_ACT_ERRNO", "SCMP_ACT_ALLOW", "SCMP_ACT_KILL", "SCMP_ACT_LOG", "SCMP_ACT_TRAP"] as const;

const ACTIONS = [
  ...["SCMP_ACT_ALLOW", "SCMP_ACT_ALLOW", "SCMP_ACT_ERRNO", "SCMP_ACT_ERRNO", "SCMP_ACT_KILL_PROCESS"],
  ...["SCMP_ACT_TRACE", "SCMP_ACT_LOG", "SCMP_ACT_TRAP", "SCMP_ACT_KILL_THREAD"],
] as const satisfies readonly SeccompAction[];

const OPERATORS = [
  ...["SCMP_CMP_EQ", "SCMP_CMP_NE", "SCMP_CMP_LT", "SCMP_CMP_LE", "SCMP_CMP_GE", "SCMP_CMP_GT", "SCMP_CMP_MASKED_EQ"],
] as const satisfies readonly SeccompOperator[];

const VALUES = [
  0n,
  1n,
  2n,
  5n,
  40n,
  0x7e02_0000n,
  0xffff_ffffn,
  0x1_0000_0000n,
  0x1_0000_0005n,
  2n ** 63n,
  2n ** 64n - 1n,
] as const;

const ARCHITECTURES: readonly [readonly SeccompArch[], ...(readonly SeccompArch[])[]] = [
  [],
  ["SCMP_ARCH_X86"],
  ["SCMP_ARCH_X32"],
  ["SCMP_ARCH_X86", "SCMP_ARCH_X32"],
];

/** A profile in which rules of different actions meet on the same system calls. */
export function randomProfile(seed: number): RandomProfile {
  const random = new Random(seed);
  const exact = new Map<string, bigint>();
  const syscalls: SeccompSyscall[] = [];
  const actions = [random.pick(ACTIONS), random.pick(ACTIONS), random.pick(ACTIONS)] as const;
  const names = [random.pick(NAMES), random.pick(NAMES), random.pick(NAMES), random.pick(NAMES)] as const;
  const count = 1 + random.below(10);
  for (let entry = 0; entry < count; entry++) {
    const action = random.pick(actions);
    const args: SeccompArg[] = [];
    const argCount = random.pick([0, 1, 1, 1, 2, 2, 3]);
    for (let i = 0; i < argCount; i++) {
      const at = `/linux/seccomp/syscalls/${entry}/args/${i}`;
      const [value, valueTwo] = [random.pick(VALUES), random.pick(VALUES)];
      exact.set(`${at}/value`, value);
      exact.set(`${at}/valueTwo`, valueTwo);
      const op = random.pick(OPERATORS);
      args.push({ index: random.below(3), op, value: Number(value), valueTwo: Number(valueTwo) });
    }
    const errno = action === "SCMP_ACT_ERRNO" ? { errnoRet: random.pick([1, 2, 38]) } : {};
    syscalls.push({ names: [random.pick(names), random.pick(names)], action, args, ...errno });
  }
  const architectures = random.pick(ARCHITECTURES);
  return { seccomp: { defaultAction: random.pick(DEFAULTS), architectures, syscalls }, exact };
}
