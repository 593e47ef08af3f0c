import { expect } from "chai";
import { describe, it } from "mocha";
import { syscallTable } from "../../linux/constants/seccomp-syscalls.ts";
import { DEFAULT_CAPABILITIES } from "./capabilities.ts";
import { defaultSeccomp } from "./seccomp-default.ts";

/** The names that a container may call, with whatever arguments. */
function allowed(capabilities: readonly string[], architecture = "x64"): readonly string[] {
  const { syscalls = [] } = defaultSeccomp({ capabilities, architecture });
  return syscalls.filter(({ action, args }) => action === "SCMP_ACT_ALLOW" && !args).flatMap(({ names }) => names);
}

describe("defaultSeccomp()", () => {
  it("names calls that there are", () => {
    const every = ["CAP_BPF", "CAP_DAC_READ_SEARCH", "CAP_PERFMON", "CAP_SYS_ADMIN", "CAP_SYS_BOOT", "CAP_SYS_CHROOT"];
    const more = ["CAP_SYS_MODULE", "CAP_SYS_NICE", "CAP_SYS_PACCT", "CAP_SYS_PTRACE", "CAP_SYS_RAWIO", "CAP_SYS_TIME"];
    const all = [...every, ...more, "CAP_SYS_TTY_CONFIG", "CAP_SYSLOG"];
    const known = syscallTable();
    for (const architecture of ["x64", "arm64"]) {
      const unknown = allowed(all, architecture).filter((name) => !(name in known));
      // That of RISC-V is in no table yet.
      expect(unknown).to.deep.equal([]);
    }
  });

  const cases: readonly (readonly [call: string, capability: string])[] = [
    ["mount", "CAP_SYS_ADMIN"],
    ["clone3", "CAP_SYS_ADMIN"],
    ["open_by_handle_at", "CAP_DAC_READ_SEARCH"],
    ["reboot", "CAP_SYS_BOOT"],
    ["init_module", "CAP_SYS_MODULE"],
    ["clock_settime", "CAP_SYS_TIME"],
    ["kcmp", "CAP_SYS_PTRACE"],
    ["mbind", "CAP_SYS_NICE"],
    ["syslog", "CAP_SYSLOG"],
  ];
  for (const [call, capability] of cases) {
    it(`allows ${call} with ${capability}`, () => {
      expect(allowed(DEFAULT_CAPABILITIES)).to.not.include(call);
      expect(allowed([...DEFAULT_CAPABILITIES, capability])).to.include(call);
    });
  }

  it("allows chroot, and no more after the capability is dropped", () => {
    expect(allowed(DEFAULT_CAPABILITIES)).to.include("chroot");
    expect(allowed([])).to.not.include("chroot");
  });

  it("allows no keyrings and no io_uring, whatever a container has", () => {
    expect(allowed(["CAP_SYS_ADMIN"]))
      .to.not.include.members(["keyctl"])
      .and.not.include.members(["io_uring_setup"]);
  });

  it("knows the architectures of the machine", () => {
    const of = (architecture: string) => defaultSeccomp({ capabilities: [], architecture }).architectures;
    expect(of("x64")).to.deep.equal(["SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_X32"]);
    expect(of("arm64")).to.deep.equal(["SCMP_ARCH_AARCH64", "SCMP_ARCH_ARM"]);
    expect(of("s390x")).to.equal(undefined);
  });
});
