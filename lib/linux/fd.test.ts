import { expect } from "chai";
import { describe, it } from "mocha";
import { SyscallError } from "../errors.ts";
import { FakeKernel } from "../testing/fake-kernel.ts";
import { errnoNumber } from "./constants/errno.ts";
import { checkedCall, OwnedFd, openCall } from "./fd.ts";

/** A kernel that closes everything, and what it was asked to close. */
function closing() {
  const closed: number[] = [];
  const kernel = new FakeKernel({ answers: { close: (fd) => closed.push(Number(fd)) } });
  return { kernel, closed };
}

describe("OwnedFd", () => {
  it("closes at the end of a block, 0 too", () => {
    const { kernel, closed } = closing();
    {
      using fd = new OwnedFd(kernel, 0);
      expect(fd.number).to.equal(0);
      expect(closed).to.deep.equal([]);
    }
    expect(closed).to.deep.equal([0]);
  });

  it("closes once", () => {
    const { kernel, closed } = closing();
    using fd = new OwnedFd(kernel, 7);
    fd.close();
    fd.close();
    expect(closed).to.deep.equal([7]);
  });

  it("release() hands the descriptor over", () => {
    const { kernel, closed } = closing();
    {
      using fd = new OwnedFd(kernel, 7);
      expect(fd.release()).to.equal(7);
    }
    expect(closed).to.deep.equal([]);
  });

  it("move() hands it to a new owner", () => {
    const { kernel, closed } = closing();
    const moved = (() => {
      using fd = new OwnedFd(kernel, 7);
      return fd.move();
    })();
    expect({ number: moved.number, closed: [...closed] }).to.deep.equal({ number: 7, closed: [] });
    moved.close();
    expect(closed).to.deep.equal([7]);
  });

  for (const [name, end] of [
    ["close", (fd: OwnedFd) => fd.close()],
    ["release", (fd: OwnedFd) => fd.release()],
    ["move", (fd: OwnedFd) => fd.move()],
  ] as const) {
    it(`cannot be used after ${name}()`, () => {
      const fd = new OwnedFd(closing().kernel, 7);
      end(fd);
      expect(() => fd.number).to.throw(TypeError, "internal error: use of a closed descriptor");
      expect(() => fd.release()).to.throw(TypeError);
    });
  }
});

describe("checkedCall()", () => {
  it("gives the result", () => {
    const kernel = new FakeKernel({ answers: { getpid: () => 5 } });
    expect(checkedCall(kernel, { doing: "count" }, "getpid")).to.equal(5);
  });
  it("hands the arguments on", () => {
    const kernel = new FakeKernel({ answers: { umask: () => 0 } });
    checkedCall(kernel, { doing: "x" }, "umask", 0o22, "text");
    expect(kernel.calls).to.deep.equal([{ name: "umask", args: [0o22, "text"] }]);
  });
  it("says what could not be done, and why", () => {
    const kernel = new FakeKernel({ answers: { openat: () => -errnoNumber("EPERM") } });
    const details = { call: "openat", errno: "EPERM", path: "/x" };
    expect(() => checkedCall(kernel, { doing: "open /x", path: "/x" }, "openat"))
      .to.throw(SyscallError, "cannot open /x: operation not permitted (EPERM)")
      .with.deep.property("details", details);
  });
});

describe("openCall()", () => {
  it("owns the descriptor, 0 too", () => {
    const kernel = new FakeKernel({ answers: { openat: () => 0, close: () => 0 } });
    using fd = openCall(kernel, { doing: "x" }, "openat");
    expect(fd.number).to.equal(0);
  });
});
