import { mkdirSync, writeFileSync } from "node:fs";
import { expect } from "chai";
import { configWith } from "../../../lib/spec/test-config.ts";
import { TemporaryDirectory } from "../../../lib/testing/temporary-directory.ts";
import { testContext } from "../test-context.ts";
import { explainCommand } from "./explain.ts";

const SECCOMP = {
  defaultAction: "SCMP_ACT_ALLOW",
  syscalls: [{ names: ["read"], action: "SCMP_ACT_ERRNO", args: [{ index: 1, value: "ALL", op: "SCMP_CMP_EQ" }] }],
};

/** What a command line prints, or the message of its error. */
async function run(seccomp: object | undefined, ...argv: readonly string[]): Promise<string> {
  using folder = new TemporaryDirectory();
  mkdirSync(folder.at("rootfs"));
  const linux = seccomp === undefined ? {} : { seccomp };
  writeFileSync(
    folder.at("config.json"),
    JSON.stringify(configWith({ linux })).replace('"ALL"', "18446744073709551615"),
  );
  const printed: string[] = [];
  const context = testContext(folder.path, printed);
  try {
    await explainCommand.prepare(argv).run?.(context);
  } catch (error) {
    return (error as Error).message;
  }
  return printed.join("");
}

describe("explain --seccomp", () => {
  for (const [word, holds] of [
    ["0xffffffffffffffff", "yes"],
    ["18446744073709551615", "yes"],
    ["-1", "yes"],
    ["01777777777777777777777", "yes"],
    ["1", "no"],
    ["010", "no"],
  ] as const) {
    it(`reads the argument ${word}`, async () => {
      expect(await run(SECCOMP, "--seccomp", ".", "read", "--", "0", word)).to.include(
        `linux.seccomp.syscalls[0]: SCMP_ACT_ERRNO (EPERM): args[1] == 0xffffffffffffffff: ${holds}`,
      );
    });
  }

  for (const word of ["", "x", "1.5", "08", "18446744073709551616", "-9223372036854775809", "0xg"]) {
    it(`refuses the argument ${JSON.stringify(word)}`, async () => {
      expect(await run(SECCOMP, "--seccomp", ".", "read", "--", word)).to.equal(
        `invalid argument ${JSON.stringify(word)}: must be a number of 64 bits`,
      );
    });
  }

  it("takes a number in decimal and in hexadecimal", async () => {
    expect(await run(SECCOMP, "--seccomp", ".", "0x10")).to.equal(await run(SECCOMP, "--seccomp", ".", "16"));
    expect(await run(SECCOMP, "--seccomp", ".", "16")).to.include(": ioctl(");
  });

  it("prints JSON", async () => {
    const [{ pointer }] = JSON.parse(await run(SECCOMP, "--seccomp", "--format", "json", ".", "openat2"));
    expect(pointer).to.equal("/linux/seccomp/defaultAction");
  });

  it("wants a system call with --seccomp, and none without", async () => {
    expect(await run(SECCOMP, "--seccomp", ".")).to.equal('"explain --seccomp" requires a bundle and a system call');
    const without = '"explain" takes a system call and --arch only with --seccomp';
    expect(await run(SECCOMP, ".", "read")).to.equal(without);
    expect(await run(SECCOMP, "--arch", "x86", ".")).to.equal(without);
  });

  it("says that there is no filter", async () => {
    expect(await run(undefined, "--seccomp", ".", "read")).to.equal(
      "cannot explain read: config.json has no linux.seccomp, so that every system call is let through",
    );
  });
});
