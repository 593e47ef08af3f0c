import { expect } from "chai";
import { describe, it } from "mocha";
import {
  ContainerError,
  describeFault,
  explain,
  findSyscall,
  SpecError,
  SyscallError,
  unreachable,
} from "../errors.ts";

const REFUSED = new SyscallError("cannot mount proc on /proc: operation not permitted (EPERM)", {
  call: "fsmount",
  errno: "EPERM",
  path: "/proc",
});
const WRAPPED = new ContainerError("internal", "cannot create container web", { cause: REFUSED });

describe("explain()", () => {
  for (const [name, error, text] of [
    ["an error", new Error("one"), "one"],
    ["a chain", WRAPPED, `cannot create container web: ${REFUSED.message}`],
    ["a chain that repeats itself", new Error("same", { cause: new Error("same", { cause: "end" }) }), "same: end"],
    ["the same text again, but not at once", new Error("a", { cause: new Error("b", { cause: "a" }) }), "a: b: a"],
    ["a text", "no error", "no error"],
    ["null", null, "null"],
    ["a cause that is no error", new Error("one", { cause: 7 }), "one: 7"],
    ["nothing", undefined, ""],
  ] as const) {
    it(name, () => expect(explain(error)).to.equal(text));
  }
});

describe("findSyscall()", () => {
  for (const [name, error, details] of [
    ["is the call at the bottom of the chain", new Error("top", { cause: WRAPPED }), REFUSED.details],
    ["is the error's own call", REFUSED, REFUSED.details],
    ["is undefined without a call", new Error("one", { cause: new ContainerError("aborted", "two") }), undefined],
    ["is undefined for what is no error", "text", undefined],
  ] as const) {
    it(name, () => expect(findSyscall(error)).to.equal(details));
  }
});

describe("the classes of errors", () => {
  it("ContainerError keeps code, name and cause", () => {
    expect(WRAPPED).to.include({ code: "internal", name: "ContainerError", cause: REFUSED });
    expect(REFUSED).to.include({ code: "internal", name: "SyscallError" });
  });
  it("SpecError lists all faults", () => {
    const faults = [
      { pointer: "/root", value: undefined, problem: "must be there" },
      { pointer: "", value: 7, problem: "must be an object" },
    ];
    const error = new SpecError(faults);
    expect(error).to.include({ code: "invalid_argument", name: "SpecError", faults });
    expect(error.message).to.equal("config.json: /root: missing: must be there; /: 7: must be an object");
  });
  it("unreachable() names the value", () => {
    expect(() => unreachable("x" as never)).to.throw(TypeError, 'internal error: unexpected "x"');
  });
});

describe("describeFault()", () => {
  for (const [name, value, shown] of [
    ["80 characters", "x".repeat(78), `"${"x".repeat(78)}"`],
    ["81 characters", "x".repeat(79), `"${"x".repeat(79)}…`],
    ["null", null, "null"],
    ["a missing value", undefined, "missing"],
  ] as const) {
    it(`shows ${name}`, () => {
      expect(describeFault({ pointer: "/a/b", value, problem: "is bad" })).to.equal(`/a/b: ${shown}: is bad`);
    });
  }
});
