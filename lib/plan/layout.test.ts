import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { describe, it } from "mocha";
import { REPORT_BYTES } from "../linux/executor.ts";
import { TemporaryDirectory } from "../testing/temporary-directory.ts";
import * as layout from "./layout.ts";

const NATIVE = join(import.meta.dirname, "../linux/native");

/** What the C compiler makes of native/program.h: C expression → value. */
function evaluate(expressions: readonly string[]): ReadonlyMap<string, number> {
  using directory = new TemporaryDirectory();
  const lines = expressions.map((text) => `printf("%llu\\n", (unsigned long long)(${text}));`);
  writeFileSync(
    directory.at("print.c"),
    `#include <stddef.h>\n#include <stdio.h>\n#include "program.h"\nint main(void) {\n${lines.join("\n")}\nreturn 0; }\n`,
  );
  const cc = ["cc", "-std=c11", "-Werror", "-I", NATIVE, "-o", directory.at("print"), directory.at("print.c")];
  const compiled = Bun.spawnSync({ cmd: cc });
  if (compiled.exitCode !== 0) throw new Error(compiled.stderr.toString());
  const values = Bun.spawnSync({ cmd: [directory.at("print")] })
    .stdout.toString()
    .trim()
    .split("\n");
  return new Map(expressions.map((text, index) => [text, Number(values[index])]));
}

const OPERATION_NAMES: Readonly<Record<keyof typeof layout.OPERATIONS, string>> = {
  store: "OP_STORE",
  openInRoot: "OP_OPEN_IN_ROOT",
  findExecutable: "OP_FIND_EXECUTABLE",
  checkDevice: "OP_CHECK_DEVICE",
  checkFilesystem: "OP_CHECK_FILESYSTEM",
  checkCwd: "OP_CHECK_CWD",
  getMode: "OP_GET_MODE",
  writeFile: "OP_WRITE_FILE",
  continue: "OP_CONTINUE",
  findHome: "OP_FIND_HOME",
  runHook: "OP_RUN_HOOK",
  copyTree: "OP_COPY_TREE",
};

/** C expression → what the TypeScript side believes. */
const EXPECTED: Readonly<Record<string, number>> = {
  PROGRAM_BASE: layout.PROGRAM_BASE,
  PROGRAM_MAGIC: layout.PROGRAM_MAGIC,
  PROGRAM_VERSION: layout.PROGRAM_VERSION,
  REGISTER_COUNT: layout.REGISTER_COUNT,
  NO_REGISTER: layout.NO_REGISTER,
  ARGUMENT_COUNT: layout.ARGUMENT_COUNT,
  TOLERATED_COUNT: layout.TOLERATED_COUNT,
  FAIL_ON_ZERO: layout.FAIL_ON_ZERO,
  SKIP_ON_ZERO: layout.SKIP_ON_ZERO,
  REGISTER_CONTROL: 0,
  ...layout.MAKE,
  ...Object.fromEntries(Object.entries(layout.OPERATIONS).map(([name, number]) => [operationName(name), number])),
  "sizeof(struct program)": layout.HEADER_BYTES,
  "sizeof(struct insn)": layout.INSN_BYTES,
  "sizeof(struct report)": REPORT_BYTES,
  "sizeof(struct next)": 16,
  "offsetof(struct program, magic)": 0,
  "offsetof(struct program, version)": 4,
  "offsetof(struct program, bytes)": 8,
  "offsetof(struct program, count)": 12,
  "offsetof(struct program, first)": 16,
  "offsetof(struct program, offset)": 20,
  "offsetof(struct program, registers)": layout.REGISTERS_OFFSET,
  "offsetof(struct program, insns)": layout.HEADER_BYTES,
  "offsetof(struct insn, nr)": 0,
  "offsetof(struct insn, into)": 2,
  "offsetof(struct insn, registers)": 3,
  "offsetof(struct insn, skip)": 4,
  "offsetof(struct insn, otherwise)": 6,
  "offsetof(struct insn, tolerated)": 8,
  "offsetof(struct insn, flags)": 14,
  "offsetof(struct insn, args)": layout.INSN_ARGS,
  "offsetof(struct report, kind)": 0,
  "offsetof(struct report, insn)": 4,
  "offsetof(struct report, error)": 8,
  "offsetof(struct report, log_bytes)": 12,
  "offsetof(struct report, log)": 16,
  "sizeof(struct hook)": layout.HOOK_BYTES,
  "offsetof(struct hook, path)": 0,
  "offsetof(struct hook, argv)": 8,
  "offsetof(struct hook, envp)": 16,
  "offsetof(struct hook, input)": 24,
  "offsetof(struct hook, input_bytes)": layout.HOOK_INPUT_BYTES,
  "offsetof(struct hook, timeout_ms)": layout.HOOK_TIMEOUT,
  "offsetof(struct next, offset)": 0,
  "offsetof(struct next, bytes)": 8,
};

function operationName(name: string): string {
  return Object.entries(OPERATION_NAMES).find(([key]) => key === name)?.[1] ?? `OP_FOR_${name}`;
}

describe("layout.ts", () => {
  it("says what native/program.h says", () => {
    const values = evaluate(Object.keys(EXPECTED));
    expect(Object.fromEntries(values)).to.deep.equal(EXPECTED);
  });

  it("has every operation of native/program.h, and no other", () => {
    const header = readFileSync(join(NATIVE, "program.h"), "utf8");
    const names = [...header.matchAll(/^\t(OP_\w+)/gm)].map(([, name]) => name);
    expect(names.sort()).to.deep.equal(Object.keys(layout.OPERATIONS).map(operationName).sort());
  });

  it("aligns parts to pages of every size", () => {
    expect([4096, 16_384, 65_536].filter((page) => layout.PART_ALIGNMENT % page !== 0)).to.deep.equal([]);
  });
});
