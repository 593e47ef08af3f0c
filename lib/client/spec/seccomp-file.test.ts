import { expect } from "chai";
import { describe, it } from "mocha";
import { parseSeccompFile } from "./seccomp-file.ts";

const SUBJECT = { capabilities: ["CAP_SYS_CHROOT"], architecture: "x64", release: "6.1.0-13-amd64" };

function parse(profile: unknown, subject: Partial<typeof SUBJECT> = {}) {
  return parseSeccompFile(JSON.stringify(profile), { ...SUBJECT, ...subject });
}

/** The calls that a profile of docker's allows, each rule with one call. */
function allowed(rules: readonly object[], subject: Partial<typeof SUBJECT> = {}): readonly string[] {
  const syscalls = rules.map((rule) => ({ action: "SCMP_ACT_ALLOW", ...rule }));
  return (parse({ defaultAction: "SCMP_ACT_ERRNO", syscalls }, subject).syscalls ?? []).flatMap(({ names }) => names);
}

describe("parseSeccompFile()", () => {
  it("takes what config.json takes as it is", () => {
    const profile = {
      ...{ defaultAction: "SCMP_ACT_ALLOW", architectures: ["SCMP_ARCH_X86_64"], flags: [] },
      syscalls: [{ names: ["mkdir"], action: "SCMP_ACT_ERRNO", errnoRet: 5 }],
    };
    expect(parse(profile)).to.deep.equal(profile);
  });

  it("takes docker's architectures, the machine's with those below it", () => {
    const archMap = [
      { architecture: "SCMP_ARCH_X86_64", subArchitectures: ["SCMP_ARCH_X86"] },
      { architecture: "SCMP_ARCH_AARCH64", subArchitectures: null },
    ];
    const of = (architecture: string) =>
      parse({ defaultAction: "SCMP_ACT_ERRNO", archMap, syscalls: null }, { architecture }).architectures;
    expect(of("x64")).to.deep.equal(["SCMP_ARCH_X86_64", "SCMP_ARCH_X86"]);
    expect(of("arm64")).to.deep.equal(["SCMP_ARCH_AARCH64"]);
    expect(of("riscv64")).to.deep.equal([]);
  });

  it("chooses rules by capability, architecture and kernel", () => {
    const rules = [
      { name: "read" },
      { names: ["chroot"], includes: { caps: ["CAP_SYS_CHROOT"] } },
      { names: ["mount"], includes: { caps: ["CAP_SYS_CHROOT", "CAP_SYS_ADMIN"] } },
      { names: ["clone"], excludes: { caps: ["CAP_SYS_ADMIN"] } },
      { names: ["acct"], excludes: { caps: ["CAP_SYS_CHROOT"] } },
      { names: ["arch_prctl"], includes: { arches: ["amd64", "x32"] } },
      { names: ["cacheflush"], includes: { arches: ["arm64"] } },
      { names: ["ptrace"], includes: { minKernel: "4.8" }, comment: "since 4.8", args: null },
      { names: ["mseal"], includes: { minKernel: "6.10" } },
    ];
    expect(allowed(rules)).to.deep.equal(["read", "chroot", "clone", "arch_prctl", "ptrace"]);
    const other = { architecture: "arm64", release: "6.12.0", capabilities: ["CAP_SYS_ADMIN", "CAP_SYS_CHROOT"] };
    expect(allowed(rules, other)).to.deep.equal(["read", "chroot", "mount", "cacheflush", "ptrace", "mseal"]);
  });

  const bad: readonly (readonly [name: string, profile: unknown, why: string])[] = [
    ["what is no object", [], "it is no object"],
    ["no default", { syscalls: [] }, "defaultAction"],
    ["an unknown action", { defaultAction: "SCMP_ACT_DENY" }, '/defaultAction: "SCMP_ACT_DENY": must be one of'],
    [
      "a rule of nothing, by its place in the file",
      {
        defaultAction: "SCMP_ACT_ALLOW",
        syscalls: [
          { names: ["acct"], action: "SCMP_ACT_KILL", includes: { caps: ["CAP_SYS_PACCT"] } },
          { names: [], action: "SCMP_ACT_KILL" },
        ],
      },
      "/syscalls/1/names: []: must be an array",
    ],
    [
      "two lists of architectures",
      { defaultAction: "SCMP_ACT_ALLOW", architectures: ["SCMP_ARCH_X86"], archMap: [] },
      "architectures and archMap do not go together",
    ],
    [
      "a version that is none",
      {
        defaultAction: "SCMP_ACT_ALLOW",
        syscalls: [{ names: ["a"], action: "SCMP_ACT_KILL", includes: { minKernel: "x" } }],
      },
      '/syscalls/0: minKernel must be like "4.8"',
    ],
  ];
  for (const [name, profile, why] of bad) {
    it(`refuses ${name}`, () => expect(() => parse(profile)).to.throw(why));
  }

  it("refuses what is no JSON, and numbers that would not arrive", () => {
    expect(() => parseSeccompFile("{", SUBJECT)).to.throw("it is no JSON");
    const args = '[{"index":0,"op":"SCMP_CMP_EQ","value":9007199254740993}]';
    const text = `{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":["a"],"action":"SCMP_ACT_ERRNO","args":${args}}]}`;
    expect(() => parseSeccompFile(text, SUBJECT)).to.throw("numbers above 2^53 do not reach the runtime exactly");
  });
});
