import { expect } from "chai";
import type { Seccomp } from "../../spec/seccomp.ts";
import { answer, answerText } from "./answer.ts";

const SECCOMP: Seccomp = {
  defaultAction: "SCMP_ACT_ERRNO",
  architectures: ["SCMP_ARCH_X86", "SCMP_ARCH_X32"],
  syscalls: [
    { names: ["read", "socketcall", "openat2"], action: "SCMP_ACT_ALLOW" },
    { names: ["clone"], action: "SCMP_ACT_ALLOW", args: [{ index: 0, value: 0x7e020000, op: "SCMP_CMP_MASKED_EQ" }] },
  ],
};

function ask(syscall: string | number, args: readonly bigint[] = [], arch?: string, seccomp: Seccomp = SECCOMP) {
  return answer({ seccomp, architecture: "x64", exact: new Map(), syscall, args }, arch);
}

describe("answer()", () => {
  it("answers for every architecture that has a call of the name", () => {
    expect(ask("read").map(({ arch, number }) => [arch, number])).to.deep.equal([
      ["SCMP_ARCH_X86_64", 0],
      ["SCMP_ARCH_X86", 3],
      ["SCMP_ARCH_X32", 0x4000_0000],
    ]);
    expect(ask("socketcall").map(({ arch }) => arch)).to.deep.equal(["SCMP_ARCH_X86"]);
  });

  it("answers about a number for the host's own architecture, or the one that is named", () => {
    expect(ask(3).map(({ arch, syscall }) => [arch, syscall])).to.deep.equal([["SCMP_ARCH_X86_64", "close"]]);
    for (const arch of ["x86", "SCMP_ARCH_X86", "X86"]) {
      expect(ask(3, [], arch)).to.have.nested.property("[0].syscall", "read");
    }
  });

  it("answers about a number nobody has named", () => {
    const [{ syscall, action } = { syscall: "", action: "" }] = ask(100_000);
    expect({ syscall, action }).to.deep.equal({ syscall: undefined, action: "SCMP_ACT_ERRNO (ENOSYS)" });
  });

  it("names what the filter knows when it does not know the architecture, or the call", () => {
    const known = "SCMP_ARCH_X86_64, SCMP_ARCH_X86, SCMP_ARCH_X32";
    expect(() => ask("read", [], "arm64")).to.throw(
      `cannot explain read for SCMP_ARCH_ARM64: the filter knows ${known}, and kills what calls by any other`,
    );
    for (const name of ["nosuch", "constructor"]) {
      expect(() => ask(name)).to.throw(`cannot explain ${name}: no such system call on ${known}`);
    }
  });
});

describe("answerText()", () => {
  it("says what is done, why, and what each rule makes of the arguments", () => {
    expect(answerText(ask("clone", [0x1000_0011n], "x86_64"))).to.equal(
      [
        "SCMP_ARCH_X86_64: clone(0x10000011, 0x0, 0x0, 0x0, 0x0, 0x0), number 56: SCMP_ACT_ERRNO (EPERM)",
        "  the conditions of no rule hold (linux.seccomp.defaultAction)",
        "    linux.seccomp.syscalls[1]: SCMP_ACT_ALLOW: (args[0] & 0x7e020000) == 0x0: no",
        "",
      ].join("\n"),
    );
    expect(answerText(ask("read", [], "x86_64"))).to.equal(
      [
        "SCMP_ARCH_X86_64: read(0x0, 0x0, 0x0, 0x0, 0x0, 0x0), number 0: SCMP_ACT_ALLOW",
        "  it names the call and has no conditions (linux.seccomp.syscalls[0])",
        "  * linux.seccomp.syscalls[0]: SCMP_ACT_ALLOW: always",
        "",
      ].join("\n"),
    );
    expect(answerText(ask(100_000))).to.match(/^SCMP_ARCH_X86_64: system call 100000\(0x0, .*\), number 100000: /);
  });
});
