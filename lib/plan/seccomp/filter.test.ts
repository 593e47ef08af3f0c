import { expect } from "chai";
import { AUDIT_ARCH } from "../../linux/constants/seccomp.ts";
import type { Architecture } from "../../linux/constants/syscalls.ts";
import type { Seccomp, SeccompArg, SeccompOperator, SeccompSyscall } from "../../spec/seccomp.ts";
import { describeReturn } from "./actions.ts";
import { compileFilter, filterCacheKey } from "./filter.ts";
import { type Condition, holds } from "./rules.ts";
import { decodeProgram, encodeData, simulate } from "./simulate.ts";

const { AUDIT_ARCH_X86_64: X86_64, AUDIT_ARCH_I386: I386, AUDIT_ARCH_AARCH64: AARCH64 } = AUDIT_ARCH;
const EXACT: ReadonlyMap<string, bigint> = new Map();
const X32 = 0x4000_0000;

function arg(index: number, op: SeccompOperator, value: number, valueTwo?: number): SeccompArg {
  return { index, op, value, ...(valueTwo === undefined ? {} : { valueTwo }) };
}

function allow(name: string, ...args: readonly SeccompArg[]): SeccompSyscall {
  return { names: [name], action: "SCMP_ACT_ALLOW", args };
}

function errno(name: string, errnoRet: number, ...args: readonly SeccompArg[]): SeccompSyscall {
  return { names: [name], action: "SCMP_ACT_ERRNO", errnoRet, args };
}

/** Denies with EPERM what is not said. */
function deny(...syscalls: readonly SeccompSyscall[]): Seccomp {
  return { defaultAction: "SCMP_ACT_ERRNO", syscalls };
}

/** Lets pass what is not said, without a stub. */
function permit(...syscalls: readonly SeccompSyscall[]): Seccomp {
  return { defaultAction: "SCMP_ACT_ALLOW", syscalls };
}

function ask(
  seccomp: Seccomp,
  arch: number,
  nr: number,
  args: readonly bigint[] = [],
  host: Architecture = "x64",
): string {
  const { program } = compileFilter(seccomp, host, EXACT);
  return describeReturn(simulate(decodeProgram(program), encodeData({ arch, nr, args })).value);
}

const OPERATORS: readonly SeccompOperator[] = [
  "SCMP_CMP_NE",
  "SCMP_CMP_LT",
  "SCMP_CMP_LE",
  "SCMP_CMP_EQ",
  "SCMP_CMP_GE",
  "SCMP_CMP_GT",
  "SCMP_CMP_MASKED_EQ",
];

interface Case {
  readonly name: string;
  readonly seccomp: Seccomp;
  readonly arch?: number;
  readonly nr: number;
  readonly args?: readonly bigint[];
  readonly host?: Architecture;
  readonly wanted: string;
}

const [ALLOW, EPERM, ENOSYS, KILL] = [
  "SCMP_ACT_ALLOW",
  "SCMP_ACT_ERRNO (EPERM)",
  "SCMP_ACT_ERRNO (ENOSYS)",
  "SCMP_ACT_KILL_THREAD",
];

const CLONE3 = 435;
const X86_X32: Seccomp = { ...deny(allow("read"), allow("clone3")), architectures: ["SCMP_ARCH_X86", "SCMP_ARCH_X32"] };
const FOREIGN: readonly Case[] = [
  {
    name: "knows the native architecture unasked",
    seccomp: deny(allow("read"), allow("clone3")),
    nr: 0,
    wanted: ALLOW,
  },
  { name: "knows that of arm64", seccomp: deny(allow("read")), host: "arm64", arch: AARCH64, nr: 63, wanted: ALLOW },
  { name: "kills an architecture that is not listed", seccomp: deny(allow("read")), arch: I386, nr: 3, wanted: KILL },
  { name: "has other numbers for a listed one", seccomp: X86_X32, arch: I386, nr: 3, wanted: ALLOW },
  { name: "kills x32 where it is not listed", seccomp: permit(), nr: X32, wanted: KILL },
  { name: "leaves a cancelled call to the default", seccomp: permit(), nr: 0xffff_ffff, wanted: ALLOW },
  { name: "knows x32 by bit 30", seccomp: X86_X32, nr: X32, wanted: ALLOW },
  { name: "answers ENOSYS above all names", seccomp: deny(allow("clone3")), nr: CLONE3 + 1, wanted: ENOSYS },
  { name: "answers the default up to the highest name", seccomp: deny(allow("clone3")), nr: CLONE3 - 1, wanted: EPERM },
  { name: "takes a name that is denied for a known one", seccomp: deny(errno("clone3", 1)), nr: CLONE3, wanted: EPERM },
  { name: "has no stub where the default permits", seccomp: permit(errno("read", 1)), nr: 999, wanted: ALLOW },
  {
    name: "has a stub where the default kills",
    seccomp: { ...X86_X32, defaultAction: "SCMP_ACT_KILL" },
    nr: 999,
    wanted: ENOSYS,
  },
  { name: "has a stub of x32's own", seccomp: X86_X32, nr: X32 + CLONE3 + 1, wanted: ENOSYS },
  { name: "has none for a profile without names", seccomp: deny(), nr: 999, wanted: EPERM },
  {
    name: "passes over names nobody knows",
    seccomp: deny(allow("no_such_call"), allow("write")),
    nr: 1,
    wanted: ALLOW,
  },
];

const SOCKET = 41;
const SOCKETCALL = 102;
const HIGH = 2n ** 32n;
const CLONE_NEW = 0x7e02_0000;
const UNEQUAL = deny(allow("socket", arg(0, "SCMP_CMP_NE", 40)));
const ARGUMENTS: readonly Case[] = [
  {
    name: "compares both words",
    seccomp: deny(allow("socket", arg(0, "SCMP_CMP_EQ", 1))),
    nr: SOCKET,
    args: [HIGH + 1n],
    wanted: EPERM,
  },
  { name: "NE holds when the high words differ", seccomp: UNEQUAL, nr: SOCKET, args: [HIGH + 40n], wanted: ALLOW },
  { name: "NE does not hold for the value", seccomp: UNEQUAL, nr: SOCKET, args: [40n], wanted: EPERM },
  {
    name: "LT is unsigned",
    seccomp: deny(allow("socket", arg(0, "SCMP_CMP_LT", 38))),
    nr: SOCKET,
    args: [-1n],
    wanted: EPERM,
  },
  {
    name: "GT looks at the high word",
    seccomp: deny(allow("socket", arg(0, "SCMP_CMP_GT", 40))),
    nr: SOCKET,
    args: [HIGH],
    wanted: ALLOW,
  },
  {
    name: "MASKED_EQ looks at masked bits only",
    seccomp: deny(allow("clone", arg(0, "SCMP_CMP_MASKED_EQ", CLONE_NEW, 0))),
    nr: 56,
    args: [0xffffn],
    wanted: ALLOW,
  },
  {
    name: "several arguments are wanted together",
    seccomp: deny(allow("socket", arg(0, "SCMP_CMP_EQ", 1), arg(2, "SCMP_CMP_EQ", 6))),
    nr: SOCKET,
    args: [1n, 0n, 5n],
    wanted: EPERM,
  },
  {
    name: "several conditions of one argument are alternatives",
    seccomp: deny(allow("socket", arg(0, "SCMP_CMP_EQ", 1), arg(0, "SCMP_CMP_EQ", 2))),
    nr: SOCKET,
    args: [2n],
    wanted: ALLOW,
  },
  {
    name: "a 32-bit architecture compares low words",
    seccomp: { ...deny(allow("ioctl", arg(1, "SCMP_CMP_EQ", 5))), architectures: ["SCMP_ARCH_X86"] },
    arch: I386,
    nr: 54,
    args: [0n, HIGH + 5n],
    wanted: ALLOW,
  },
  {
    name: "socket is also a part of socketcall, which does not show its arguments",
    seccomp: { ...deny(allow("socket", arg(0, "SCMP_CMP_EQ", 2))), architectures: ["SCMP_ARCH_X86"] },
    arch: I386,
    nr: SOCKETCALL,
    args: [1n],
    wanted: ALLOW,
  },
  {
    name: "other parts of socketcall have other numbers",
    seccomp: { ...deny(allow("socket", arg(0, "SCMP_CMP_EQ", 2))), architectures: ["SCMP_ARCH_X86"] },
    arch: I386,
    nr: SOCKETCALL,
    args: [2n],
    wanted: EPERM,
  },
];

const PRECEDENCE: readonly Case[] = [
  {
    name: "a rule without conditions takes the whole call",
    seccomp: permit(errno("socket", 22, arg(0, "SCMP_CMP_EQ", 1)), errno("socket", 38)),
    nr: SOCKET,
    args: [1n],
    wanted: ENOSYS,
  },
  {
    name: "the first of two rules without conditions stays",
    seccomp: permit(errno("socket", 1), errno("socket", 38)),
    nr: SOCKET,
    wanted: EPERM,
  },
  {
    name: "equality goes before order, whatever comes first",
    seccomp: permit(errno("socket", 1, arg(0, "SCMP_CMP_GT", 2)), errno("socket", 38, arg(0, "SCMP_CMP_EQ", 5))),
    nr: SOCKET,
    args: [5n],
    wanted: ENOSYS,
  },
  {
    name: "the higher argument goes before the lower",
    seccomp: permit(errno("socket", 1, arg(0, "SCMP_CMP_EQ", 5)), errno("socket", 38, arg(1, "SCMP_CMP_GT", 0))),
    nr: SOCKET,
    args: [5n, 1n],
    wanted: ENOSYS,
  },
  {
    name: "upper bounds go before lower ones",
    seccomp: permit(errno("socket", 1, arg(0, "SCMP_CMP_GE", 2)), errno("socket", 38, arg(0, "SCMP_CMP_LE", 9))),
    nr: SOCKET,
    args: [5n],
    wanted: ENOSYS,
  },
  {
    name: "of two upper bounds the lower decides",
    seccomp: permit(errno("socket", 1, arg(0, "SCMP_CMP_LE", 9)), errno("socket", 38, arg(0, "SCMP_CMP_LE", 5))),
    nr: SOCKET,
    args: [4n],
    wanted: ENOSYS,
  },
  {
    name: "of two lower bounds the higher decides",
    seccomp: permit(errno("socket", 1, arg(0, "SCMP_CMP_GT", 2)), errno("socket", 38, arg(0, "SCMP_CMP_GT", 4))),
    nr: SOCKET,
    args: [HIGH],
    wanted: ENOSYS,
  },
];

const VALUES = [0n, 5n, HIGH - 1n, HIGH, HIGH + 5n, 2n ** 63n, 2n ** 64n - 1n];
const EDGES = VALUES.flatMap((value) => [value - 1n, value, value + 1n].map((near) => BigInt.asUintN(64, near)));
const IOCTLS = [
  [X86_64, 16, 64],
  [I386, 54, 32],
] as const;

/** Every operator with values of both words. */
function conditionsOnIoctl(): readonly Condition[] {
  return OPERATORS.flatMap((op) =>
    VALUES.map((value): Condition => {
      if (op === "SCMP_CMP_MASKED_EQ") return { index: 2, op, value: value & 0xffn, mask: value };
      return { index: 2, op, value, mask: 2n ** 64n - 1n };
    }),
  );
}

function compileIoctl({ index, op, value, mask }: Condition): Uint8Array {
  const at = "/linux/seccomp/syscalls/0/args/0";
  const values = op === "SCMP_CMP_MASKED_EQ" ? [mask, value] : [value, 0n];
  const exact = new Map([`${at}/value`, `${at}/valueTwo`].map((pointer, i) => [pointer, values[i] ?? 0n]));
  const seccomp: Seccomp = { ...deny(allow("ioctl", arg(index, op, 0, 0))), architectures: ["SCMP_ARCH_X86"] };
  return compileFilter(seccomp, "x64", exact).program;
}

describe("compileFilter()", () => {
  for (const { name, seccomp, arch = X86_64, nr, args = [], host = "x64", wanted } of [
    ...FOREIGN,
    ...ARGUMENTS,
    ...PRECEDENCE,
  ]) {
    it(name, () => {
      expect(ask(seccomp, arch, nr, args, host)).to.equal(wanted);
    });
  }

  for (const condition of conditionsOnIoctl()) {
    const { op, value, mask } = condition;
    it(`${op} 0x${value.toString(16)} under 0x${mask.toString(16)} holds for what its name says`, () => {
      const program = decodeProgram(compileIoctl(condition));
      for (const [token, nr, bits] of IOCTLS) {
        for (const near of EDGES) {
          const result = simulate(program, encodeData({ arch: token, nr, args: [0n, 0n, near] }));
          const wanted = holds(condition, near, bits) ? ALLOW : EPERM;
          expect(describeReturn(result.value), `${bits} bits of 0x${near.toString(16)}`).to.equal(wanted);
        }
      }
    });
  }

  it("does not hold against others a rule that a shorter one makes needless", () => {
    const shorter = allow("ioctl", arg(1, "SCMP_CMP_EQ", 5));
    const longer = allow("ioctl", arg(0, "SCMP_CMP_EQ", 1), arg(1, "SCMP_CMP_EQ", 5));
    const seccomp = deny(shorter, longer, errno("ioctl", 22, arg(0, "SCMP_CMP_EQ", 1)));
    expect(ask(seccomp, X86_64, 16, [1n, 5n])).to.equal(ALLOW);
    expect(ask(seccomp, X86_64, 16, [1n, 6n])).to.equal("SCMP_ACT_ERRNO (EINVAL)");
  });

  it("refuses rules that want different things for the same arguments", () => {
    const rules = [errno("socket", 1, arg(0, "SCMP_CMP_EQ", 5)), errno("socket", 38, arg(0, "SCMP_CMP_EQ", 5))];
    expect(() => compileFilter(permit(...rules), "x64", EXACT)).to.throw(
      "cannot compile the seccomp profile: linux.seccomp.syscalls[0] and linux.seccomp.syscalls[1] want different actions for the same arguments of socket",
    );
  });

  it("refuses a profile that is too large for the kernel", () => {
    const rules = Array.from({ length: 3000 }, (_, value) => allow("socket", arg(0, "SCMP_CMP_EQ", value)));
    expect(() => compileFilter(deny(...rules), "x64", EXACT)).to.throw(/\d+ instructions, a filter can have 4096$/);
  });

  it("compares with the exact value where JSON's is rounded", () => {
    const exact = new Map([["/linux/seccomp/syscalls/0/args/0/value", 2n ** 64n - 100n]]);
    const seccomp = deny(allow("socket", arg(0, "SCMP_CMP_EQ", 2 ** 64)));
    const { program } = compileFilter(seccomp, "x64", exact);
    const data = encodeData({ arch: X86_64, nr: SOCKET, args: [-100n] });
    expect(describeReturn(simulate(decodeProgram(program), data).value)).to.equal(ALLOW);
  });

  for (const { name, seccomp, flags } of [
    { name: "SPEC_ALLOW when the profile says nothing", seccomp: deny(), flags: 4 },
    { name: "none when it says so", seccomp: { ...deny(), flags: [] }, flags: 0 },
    {
      name: "a listener for NOTIFY, without TSYNC",
      seccomp: {
        ...deny({ names: ["mount"], action: "SCMP_ACT_NOTIFY" }),
        flags: ["SECCOMP_FILTER_FLAG_TSYNC", "SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV"],
      },
      flags: 8 + 32,
    },
  ] as const) {
    it(`has the flags: ${name}`, () => expect(compileFilter(seccomp, "x64", EXACT).flags).to.equal(flags));
  }
});

describe("filterCacheKey()", () => {
  it("differs with all that the program depends on", () => {
    const profile = deny(allow("socket", arg(0, "SCMP_CMP_EQ", 2 ** 64)));
    const exact = new Map([["/linux/seccomp/syscalls/0/args/0/value", 2n ** 64n - 1n]]);
    const keys = [
      filterCacheKey(profile, "x64", EXACT),
      filterCacheKey(profile, "arm64", EXACT),
      filterCacheKey(profile, "x64", exact),
      filterCacheKey({ ...profile, defaultErrnoRet: 2 }, "x64", EXACT),
      filterCacheKey({ ...profile, architectures: ["SCMP_ARCH_X86"] }, "x64", EXACT),
    ];
    expect(new Set(keys).size).to.equal(keys.length);
    expect(filterCacheKey({ ...profile, flags: [] }, "x64", EXACT)).to.equal(keys[0]);
  });
});
