import { mkdirSync, renameSync } from "node:fs";
import { expect } from "chai";
import { describe, it } from "mocha";
import { ContainerError, SyscallError } from "../errors.ts";
import { TemporaryDirectory } from "../testing/temporary-directory.ts";
import { errnoNumber } from "./constants/errno.ts";
import { MSG, SCM_RIGHTS, SOL_SOCKET } from "./constants/sockets.ts";
import { OwnedFd } from "./fd.ts";
import { addressOf } from "./ffi.ts";
import { findLink, openDirectory } from "./files.ts";
import { openKernel } from "./kernel.ts";
import { connectIn, connectStream, inheritable, listenIn, receive, receiveFd, socketPair } from "./socket.ts";

const F_GETFD = 1;
const FD_CLOEXEC = 1;
const kernel = openKernel();

function send(socket: OwnedFd, bytes: Uint8Array): number {
  return kernel.call("sendto", socket.number, bytes, bytes.length, MSG.MSG_NOSIGNAL, 0, 0);
}

/** sendmsg(2) of one byte and, when given, a descriptor. */
function sendFd(socket: OwnedFd, fd: number | undefined): number {
  const payload = Uint8Array.of(120);
  const control = new Uint8Array(24);
  const view = new DataView(control.buffer);
  view.setBigUint64(0, 20n, true);
  view.setInt32(8, SOL_SOCKET, true);
  view.setInt32(12, SCM_RIGHTS, true);
  view.setInt32(16, fd ?? -1, true);
  const vector = BigUint64Array.of(BigInt(addressOf(payload)), BigInt(payload.length));
  const hasFd = fd === undefined ? 0n : 1n;
  const header = BigUint64Array.of(
    0n,
    0n,
    BigInt(addressOf(vector)),
    1n,
    hasFd * BigInt(addressOf(control)),
    hasFd * 24n,
    0n,
  );
  const result = kernel.call("sendmsg", socket.number, header, MSG.MSG_NOSIGNAL);
  // Keeps what the header points to alive over the call.
  expect(payload.length + control.length + vector.length).to.equal(27);
  return result;
}

describe("socketPair()", () => {
  it("keeps messages apart, in both directions", () => {
    const [one, other] = socketPair(kernel);
    using left = one;
    using right = other;
    send(left, Uint8Array.of(1, 2, 3));
    send(left, Uint8Array.of(4));
    send(right, Uint8Array.of(5));
    const buffer = new Uint8Array(16);
    expect([...receive(kernel, right, buffer)]).to.deep.equal([1, 2, 3]);
    expect([...receive(kernel, right, buffer)]).to.deep.equal([4]);
    expect([...receive(kernel, left, buffer)]).to.deep.equal([5]);
  });

  it("closes on exec, both ends", () => {
    const [one, other] = socketPair(kernel);
    using left = one;
    using right = other;
    const flags = [left, right].map(({ number }) => kernel.call("fcntl", number, F_GETFD));
    expect(flags).to.deep.equal([FD_CLOEXEC, FD_CLOEXEC]);
  });
});

describe("receive()", () => {
  it("is empty at the end", () => {
    const [one, other] = socketPair(kernel);
    using left = one;
    using right = other;
    left.close();
    expect(receive(kernel, right, new Uint8Array(8))).to.have.lengthOf(0);
  });

  it("gives what was sent by a peer that ended without reading all, then the end", () => {
    const [one, other] = socketPair(kernel);
    using left = one;
    using right = other;
    send(left, Uint8Array.of(1));
    send(right, Uint8Array.of(9));
    left.close();
    const buffer = new Uint8Array(8);
    expect([...receive(kernel, right, buffer)]).to.deep.equal([1]);
    expect(receive(kernel, right, buffer)).to.have.lengthOf(0);
  });

  it("throws what the kernel refuses", () => {
    using file = openDirectory(kernel, "/");
    expect(() => receive(kernel, file, new Uint8Array(8))).to.throw("cannot receive a report: ");
  });
});

describe("listenIn() and connectIn()", () => {
  it("meet in a directory, whose path may be longer than an address", () => {
    using temporary = new TemporaryDirectory();
    const long = temporary.at("x".repeat(120));
    expect(kernel.call("mkdirat", -100, long, 0o700)).to.equal(0);
    using directory = openDirectory(kernel, long);
    using listener = listenIn(kernel, directory, "start");
    using connection = ownedOrThrow(connectIn(kernel, directory, "start"));
    using accepted = new OwnedFd(kernel, kernel.call("accept4", listener.number, 0, 0, 0));
    send(accepted, Uint8Array.of(7));
    expect([...receive(kernel, connection, new Uint8Array(8))]).to.deep.equal([7]);
  });

  it("refuse a name that is taken", () => {
    using temporary = new TemporaryDirectory();
    using directory = openDirectory(kernel, temporary.path);
    using _listener = listenIn(kernel, directory, "start");
    expect(() => listenIn(kernel, directory, "start")).to.throw(SyscallError, "cannot listen on start");
  });

  it("connectIn() gives the errno when nobody is there, or no longer", () => {
    using temporary = new TemporaryDirectory();
    using directory = openDirectory(kernel, temporary.path);
    expect(connectIn(kernel, directory, "start")).to.equal(-errnoNumber("ENOENT"));
    listenIn(kernel, directory, "start").close();
    expect(connectIn(kernel, directory, "start")).to.equal(-errnoNumber("ECONNREFUSED"));
  });
});

function ownedOrThrow(connection: OwnedFd | number): OwnedFd {
  if (connection instanceof OwnedFd) return connection;
  throw new Error(`errno ${-connection}`);
}

describe("connectStream()", () => {
  it("names the socket", () => {
    expect(() => connectStream(kernel, "/none/console.sock")).to.throw(
      SyscallError,
      "cannot connect to /none/console.sock: no such file or directory (ENOENT)",
    );
  });
  it("takes a path longer than an address", () => {
    using temporary = new TemporaryDirectory();
    const long = temporary.at("x".repeat(120));
    mkdirSync(long);
    const server = Bun.listen({ unix: temporary.at("s"), socket: { data: () => undefined } });
    renameSync(temporary.at("s"), `${long}/console.sock`);
    using connection = connectStream(kernel, `${long}/console.sock`);
    expect(connection.number).to.be.at.least(0);
    server.stop(true);
  });
  it("refuses a name that no address can hold", () => {
    expect(() => connectStream(kernel, `/${"x".repeat(107)}`)).to.throw(ContainerError, "cannot use the socket");
  });
});

describe("receiveFd()", () => {
  it("takes a descriptor, which closes on exec", () => {
    const [one, other] = socketPair(kernel);
    using left = one;
    using right = other;
    using root = openDirectory(kernel, "/proc");
    expect(sendFd(left, root.number)).to.equal(1);
    using received = receiveFd(kernel, right, addressOf);
    const number = received?.number ?? -1;
    expect(findLink(kernel, `/proc/self/fd/${number}`)).to.equal("/proc");
    expect(number).to.not.equal(root.number);
    expect(kernel.call("fcntl", number, F_GETFD)).to.equal(FD_CLOEXEC);
  });

  it("is undefined for a message without one", () => {
    const [one, other] = socketPair(kernel);
    using left = one;
    using right = other;
    expect(sendFd(left, undefined)).to.equal(1);
    expect(receiveFd(kernel, right, addressOf)).to.equal(undefined);
  });

  it("is undefined at the end", () => {
    const [one, other] = socketPair(kernel);
    using left = one;
    using right = other;
    left.close();
    expect(receiveFd(kernel, right, addressOf)).to.equal(undefined);
  });
});

describe("inheritable()", () => {
  it("is a copy at or above a number, without close-on-exec", () => {
    using root = openDirectory(kernel, "/");
    using copy = inheritable(kernel, root, 200);
    expect(copy.number).to.be.at.least(200);
    expect(kernel.call("fcntl", copy.number, F_GETFD)).to.equal(0);
    expect(kernel.call("fcntl", root.number, F_GETFD)).to.equal(FD_CLOEXEC);
  });
});
