import { expect } from "chai";
import { ContainerError, SyscallError } from "../errors.ts";
import { CODE, fromStatus, toStatus } from "./status.ts";

describe("toStatus()", () => {
  it("gives the class and the whole chain of causes", () => {
    const error = new ContainerError("not_found", "cannot kill", { cause: new Error("it is gone") });
    expect(toStatus(error)).to.deep.equal({ code: CODE.not_found, message: "cannot kill: it is gone" });
  });

  it("gives UNKNOWN for what no caller can act on", () => {
    const refused = new SyscallError("cannot mount", { call: "mount", errno: "EPERM" });
    expect([refused, new TypeError("oops"), "text"].map((error) => toStatus(error).code)).to.deep.equal([2, 2, 2]);
  });
});

describe("fromStatus()", () => {
  it("gives back every class", () => {
    for (const code of ["not_found", "already_exists", "unimplemented", "deadline_exceeded"] as const) {
      const error = fromStatus(toStatus(new ContainerError(code, "why")));
      expect([error.code, error.message]).to.deep.equal([code, "why"]);
    }
  });

  it("takes a code it does not know for an internal error", () => {
    expect(fromStatus({ code: 99, message: "" })).to.include({
      code: "internal",
      message: "the call ended with code 99",
    });
  });
});
