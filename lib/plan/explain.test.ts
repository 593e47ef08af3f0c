import { expect } from "chai";
import { describe, it } from "mocha";
import { OPEN } from "../linux/constants/files.ts";
import { MOUNT_ATTR } from "../linux/constants/mounts.ts";
import { CLONE } from "../linux/constants/processes.ts";
import { describeFlags, openFlags } from "./calls.ts";
import { explainSteps, explainText } from "./explain.ts";
import { flags, mode, orElse, type Purpose, register, type Step, type Struct, whenPossible } from "./step.ts";

describe("describeFlags()", () => {
  const cases = [
    { name: "no bit", value: flags(0, MOUNT_ATTR), text: "0" },
    { name: "no bit, with a name", value: flags(0, { RELATIME: 0 }), text: "RELATIME" },
    { name: "one bit", value: flags(1, MOUNT_ATTR), text: "MOUNT_ATTR_RDONLY" },
    { name: "two bits", value: flags(3, MOUNT_ATTR), text: "MOUNT_ATTR_RDONLY|MOUNT_ATTR_NOSUID" },
    { name: "a bit without a name", value: flags(0x1001, MOUNT_ATTR), text: "MOUNT_ATTR_RDONLY|0x1000" },
    { name: "only bits without a name", value: flags(0x3000, MOUNT_ATTR), text: "0x3000" },
    { name: "an exact value before its bits", value: flags(3, { A: 1, B: 2, AB: 3 }), text: "AB" },
    { name: "a name of several bits, when all are set", value: flags(7, { AB: 3, C: 4 }), text: "AB|C" },
    { name: "a name of several bits, when one is missing", value: flags(6, { AB: 3, C: 4 }), text: "C|0x2" },
    { name: "64 bits", value: flags(CLONE.CLONE_INTO_CGROUP | 0x20000n, CLONE), text: "CLONE_NEWNS|CLONE_INTO_CGROUP" },
    { name: "the highest bit of 32", value: flags(0x8000_0000, { HIGH: 0x8000_0000 }), text: "HIGH" },
    { name: "a negative value", value: flags(-100, { AT_FDCWD: -100 }), text: "AT_FDCWD" },
  ];
  for (const { name, value, text } of cases) it(`${name}: ${text}`, () => expect(describeFlags(value)).to.equal(text));

  it("leaves out O_RDONLY beside other flags, and shows it alone", () => {
    expect(describeFlags(openFlags("O_RDONLY", "O_CLOEXEC"))).to.equal("O_CLOEXEC");
    expect(describeFlags(openFlags("O_RDONLY"))).to.equal("O_RDONLY");
    expect(openFlags("O_RDWR", "O_NOCTTY").value).to.equal(OPEN.O_RDWR | OPEN.O_NOCTTY);
  });
});

const FIRST: Purpose = { doing: "do one thing", from: "" };
const SECOND: Purpose = { doing: "do another", from: "/mounts/3/options/0", path: "/x" };

function step(fields: Partial<Step>): Step {
  return { call: "getpid", args: [], purpose: FIRST, ...fields };
}

const STRUCT: Struct = { kind: "struct", bytes: new Uint8Array(4), describe: () => "{four bytes}" };

describe("explainSteps()", () => {
  it("numbers through both processes, with the property of each step", () => {
    const plan = { setup: [step({}), step({ purpose: SECOND })], runtime: [], init: [step({ purpose: SECOND })] };
    expect(explainSteps(plan)).to.deep.equal([
      { step: 0, process: "setup", call: "getpid", arguments: [], purpose: "do one thing", pointer: "" },
      { step: 1, process: "setup", call: "getpid", arguments: [], purpose: "do another", pointer: SECOND.from },
      { step: 2, process: "init", call: "getpid", arguments: [], purpose: "do another", pointer: SECOND.from },
    ]);
  });

  it("has no numbers for the steps of the runtime, which are not in the program", () => {
    const runtime = [{ call: "writeFile", args: [], purpose: SECOND } as const];
    const plan = { setup: [step({})], runtime, init: [step({})] };
    expect(explainSteps(plan).map(({ step: number, process }) => [number, process])).to.deep.equal([
      [0, "setup"],
      [undefined, "runtime"],
      [1, "init"],
    ]);
  });

  it("says every kind of argument in words", () => {
    const args = [
      ["text", 'a "b"\n', '"a \\"b\\"\\n"'],
      ["number", -1, "-1"],
      ["bigint", 2n ** 64n - 1n, "18446744073709551615"],
      ["flags", flags(3, MOUNT_ATTR), "MOUNT_ATTR_RDONLY|MOUNT_ATTR_NOSUID"],
      ["mode", mode(0o755), "0755"],
      ["register", register("root"), "root"],
      ["strings", { kind: "strings", values: ["a", 'b"'] }, '["a", "b\\""]'],
      ["no strings", { kind: "strings", values: [] }, "[]"],
      ["struct", STRUCT, "{four bytes}"],
      ["field", { kind: "field", of: STRUCT, at: 2, name: "four.third" }, "four.third"],
    ] as const;
    const [explained] = explainSteps({
      setup: [step({ args: args.map(([, argument]) => argument) })],
      runtime: [],
      init: [],
    });
    expect(explained?.arguments).to.deep.equal(args.map(([, , text]) => text));
  });

  it("cuts what is too long to read", () => {
    const [explained] = explainSteps({
      setup: [step({ args: ["x".repeat(399), "y".repeat(398)] })],
      runtime: [],
      init: [],
    });
    expect(explained?.arguments).to.deep.equal([`"${"x".repeat(399)}…`, `"${"y".repeat(398)}"`]);
  });

  it("says where the program goes on", () => {
    const setup = [
      step({ skip: 2 }),
      step({ tolerated: ["ENOENT"], otherwise: 0 }),
      step({ tolerated: ["ENOENT", "EPERM"], into: "x" }),
      step({ skip: 0 }),
    ];
    const steps = explainSteps({ setup, runtime: [], init: [step({ skip: 1, tolerated: ["EBUSY"], otherwise: 3 })] });
    expect(steps.map(({ next, otherwise, tolerated, into }) => ({ next, otherwise, tolerated, into }))).to.deep.equal([
      { next: 3, otherwise: undefined, tolerated: undefined, into: undefined },
      { next: undefined, otherwise: 2, tolerated: ["ENOENT"], into: undefined },
      { next: undefined, otherwise: undefined, tolerated: ["ENOENT", "EPERM"], into: "x" },
      { next: 4, otherwise: undefined, tolerated: undefined, into: undefined },
      { next: 6, otherwise: 8, tolerated: ["EBUSY"], into: undefined },
    ]);
  });
});

describe("explainText()", () => {
  it("has a line for a purpose, and the calls below it", () => {
    const setup = [
      step({ call: "clone", skip: 3, skipOnZero: true, into: "pid" }),
      step({ call: "openat", args: ["/x"], tolerated: ["ENOENT", "EPERM"], purpose: SECOND }),
      step({ call: "close", tolerated: ["EBADF"], otherwise: 1, skip: 0, purpose: SECOND }),
    ];
    const init = [step({ purpose: SECOND }), step({ purpose: { ...SECOND, from: "/mounts/4" } })];
    expect(
      explainText({ setup, runtime: [], init }),
    ).to.equal(`setup: a process in the host's namespaces, which ends when init is born

  do one thing
      0  clone() → pid   [in the child: go to 4]

  do another (mounts[3].options[0])
      1  openat("/x")   [ENOENT, EPERM: go on]
      2  close()   [go to 3; EBADF: go to 4]

init: the first process of the container
      3  getpid()

  do another (mounts[4])
      4  getpid()
`);
  });
});

describe("whenPossible() and orElse()", () => {
  const rest = [step({ call: "setsid" }), step({ call: "getppid" })];
  it("whenPossible() passes over the rest after a tolerated errno", () => {
    expect(whenPossible(step({}), ["ENOENT"], rest)).to.deep.equal([
      step({ tolerated: ["ENOENT"], otherwise: 2 }),
      ...rest,
    ]);
  });
  it("orElse() passes over the alternative after success", () => {
    expect(orElse(step({}), ["ENOENT"], rest)).to.deep.equal([step({ tolerated: ["ENOENT"], skip: 2 }), ...rest]);
  });
});
