import { expect } from "chai";
import type { Seccomp } from "../../spec/seccomp.ts";
import type { Step } from "../step.ts";
import { compileSeccomp } from "./compile.ts";

const PROGRAM = new Uint8Array(24);
const PROFILE: Seccomp = { defaultAction: "SCMP_ACT_ALLOW" };

function only(steps: readonly Step[]): Step {
  const [step] = steps;
  if (step === undefined || steps.length !== 1) throw new TypeError(`${steps.length} steps`);
  return step;
}

describe("compileSeccomp()", () => {
  it("loads the filter by seccomp(2), with a sock_fprog that points to it", () => {
    const step = only(compileSeccomp(PROFILE, { program: PROGRAM, flags: 4 }));
    expect(step.call).to.equal("seccomp");
    expect(step.purpose.from).to.equal("/linux/seccomp");
    expect(step.args[0]).to.include({ kind: "flags", value: 1 });
    expect(step.args[1]).to.include({ kind: "flags", value: 4 });
    expect(step.args[2]).to.deep.include({ kind: "struct", bytes: Uint8Array.of(3, ...Array(15).fill(0)) });
    expect(step.args[2]).to.have.nested.property("pointers[0].at", 8);
    expect(step.args[2]).to.have.nested.property("pointers[0].to.bytes", PROGRAM);
  });

  it("hands the listener of a profile that notifies over with the very next system call", () => {
    const notify: Seccomp = { ...PROFILE, syscalls: [{ names: ["mount"], action: "SCMP_ACT_NOTIFY" }] };
    const [load, store, send, shut, ...rest] = compileSeccomp(notify, { program: PROGRAM, flags: 8 });
    expect(load).to.deep.include({ call: "seccomp", into: "seccompListener" });
    // An operation of the executor: no system call that a filter could hold up.
    expect(store).to.have.property("call", "store");
    expect(store?.args[1]).to.deep.equal({ kind: "register", name: "seccompListener" });
    expect(send).to.have.property("call", "sendmsg");
    expect(send?.args[0]).to.deep.equal({ kind: "register", name: "control" });
    expect(send?.purpose.from).to.equal("/linux/seccomp/listenerPath");
    expect(shut).to.deep.include({ call: "close", args: [{ kind: "register", name: "seccompListener" }] });
    expect(rest).to.deep.equal([]);
  });

  it("keeps no listener of a profile that does not notify", () => {
    expect(only(compileSeccomp(PROFILE, { program: PROGRAM, flags: 4 })).into).to.equal(undefined);
  });
});
