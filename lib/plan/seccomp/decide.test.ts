import { expect } from "chai";
import type { Seccomp, SeccompArch } from "../../spec/seccomp.ts";
import { readCalls } from "./calls.ts";
import { explainDecision } from "./decide.ts";
import { compileFilter } from "./filter.ts";
import { decodeProgram, encodeData, simulate } from "./simulate.ts";
import { targetsOf } from "./targets.ts";

const EXACT: ReadonlyMap<string, bigint> = new Map();

const PROFILE: Seccomp = {
  defaultAction: "SCMP_ACT_ERRNO",
  architectures: ["SCMP_ARCH_X86", "SCMP_ARCH_X32"],
  syscalls: [
    { names: ["read", "write", "openat", "clone3"], action: "SCMP_ACT_ALLOW" },
    { names: ["ioctl"], action: "SCMP_ACT_ALLOW", args: [{ index: 0, value: 38, op: "SCMP_CMP_LT" }] },
    { names: ["ioctl"], action: "SCMP_ACT_LOG", args: [{ index: 0, value: 40, op: "SCMP_CMP_GT" }] },
    {
      names: ["ioctl"],
      action: "SCMP_ACT_ERRNO",
      errnoRet: 22,
      args: [
        { index: 0, value: 16, op: "SCMP_CMP_EQ" },
        { index: 2, value: 9, op: "SCMP_CMP_NE" },
      ],
    },
    { names: ["clone"], action: "SCMP_ACT_ALLOW", args: [{ index: 0, value: 0x7e020000, op: "SCMP_CMP_MASKED_EQ" }] },
  ],
};

function explain(syscall: string | number, args: readonly bigint[] = [], arch: SeccompArch = "SCMP_ARCH_X86_64") {
  return explainDecision({ seccomp: PROFILE, architecture: "x64", exact: EXACT, arch, syscall, args });
}

const NUMBERS = 600;
const ARGUMENTS = [0n, 1n, 16n, 37n, 38n, 39n, 40n, 41n, 0x7e020000n, 0x1_0000_0010n, 2n ** 64n - 1n];

describe("explainDecision()", () => {
  for (const { target } of readCalls(PROFILE, targetsOf(PROFILE, "x64"), EXACT)) {
    it(`agrees with the filter about every number and every edge: ${target.arch}`, () => {
      const program = decodeProgram(compileFilter(PROFILE, "x64", EXACT).program);
      const queries = [...Array(NUMBERS).keys()].flatMap((number) =>
        ARGUMENTS.map((first) => ({ nr: number + target.numberBit, args: [first, 0n, BigInt(8 + (number % 2))] })),
      );
      for (const { nr, args } of queries) {
        const { value } = simulate(program, encodeData({ nr, arch: target.token, args }));
        expect(explain(nr, args, target.arch).value, `${nr} ${args}`).to.equal(value);
      }
    }).timeout(90_000);
  }

  for (const { name, syscall, args = [], arch, action, pointer, reason } of [
    {
      name: "a rule without conditions",
      syscall: "read",
      action: "SCMP_ACT_ALLOW",
      pointer: "/linux/seccomp/syscalls/0",
      reason: "it names the call and has no conditions",
    },
    {
      name: "a rule with conditions",
      syscall: "ioctl",
      args: [41n],
      action: "SCMP_ACT_LOG",
      pointer: "/linux/seccomp/syscalls/2",
      reason: "its conditions hold, and no rule that is tried earlier has such",
    },
    {
      name: "the rule that is tried first",
      syscall: "ioctl",
      args: [16n],
      action: "SCMP_ACT_ERRNO (EINVAL)",
      pointer: "/linux/seccomp/syscalls/3",
      reason: "its conditions hold, and no rule that is tried earlier has such",
    },
    {
      name: "conditions that fail",
      syscall: "ioctl",
      args: [39n],
      action: "SCMP_ACT_ERRNO (EPERM)",
      pointer: "/linux/seccomp/defaultAction",
      reason: "the conditions of no rule hold",
    },
    {
      name: "a call nobody names",
      syscall: "mount",
      action: "SCMP_ACT_ERRNO (EPERM)",
      pointer: "/linux/seccomp/defaultAction",
      reason: "no rule names the call",
    },
    {
      name: "a new call",
      syscall: "listns",
      action: "SCMP_ACT_ERRNO (ENOSYS)",
      pointer: "/linux/seccomp/syscalls",
      reason: "the number is above all that the profile names, so the call is new",
    },
    {
      name: "a foreign architecture",
      syscall: "read",
      arch: "SCMP_ARCH_ARM",
      action: "SCMP_ACT_KILL_THREAD",
      pointer: "/linux/seccomp/architectures",
      reason: "SCMP_ARCH_ARM is not among the architectures",
    },
  ] as const) {
    it(`explains ${name}`, () => {
      expect(explain(syscall, args, arch)).to.include({ action, pointer, reason });
    });
  }

  it("holds every rule against the arguments", () => {
    expect(
      explain("ioctl", [16n, 0n, 9n]).rules.map(({ conditions, decides }) => ({ conditions, decides })),
    ).to.deep.equal([
      { conditions: [{ text: "args[0] < 0x26", holds: true }], decides: true },
      { conditions: [{ text: "args[0] > 0x28", holds: false }], decides: false },
      {
        conditions: [
          { text: "args[0] == 0x10", holds: true },
          { text: "args[2] != 0x9", holds: false },
        ],
        decides: false,
      },
    ]);
  });

  it("refuses a name the architecture has no number for", () => {
    expect(() => explain("recv")).to.throw("cannot explain recv: SCMP_ARCH_X86_64 has no such system call");
  });
});
