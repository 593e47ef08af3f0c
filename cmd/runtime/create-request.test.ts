import { expect } from "chai";
import { parseFlags } from "../parse-flags.ts";
import { createFlags, toCreateRequest } from "./create-request.ts";

const PID = 4711;

function requestWith(env: Readonly<Record<string, string>>, ...argv: readonly string[]) {
  return toCreateRequest({ cwd: "/home/me", env, pid: PID }, "web", parseFlags(createFlags, argv).flags);
}

function request(...argv: readonly string[]) {
  return requestWith({}, ...argv);
}

describe("toCreateRequest()", () => {
  it("takes the current directory for the bundle", () => {
    expect(request()).to.deep.equal({
      id: "web",
      bundle: "/home/me",
      noPivot: false,
      noNewKeyring: false,
      preserveFds: 0,
    });
  });

  it("reads the pid file beside the caller and the socket in the bundle, as runc does", () => {
    const sockets = ["--console-socket", "s", "--pidfd-socket", "t"];
    const { bundle, consoleSocket, pidfdSocket, pidFile } = request("-b", "b", ...sockets, "--pid-file", "../p");
    expect({ bundle, consoleSocket, pidfdSocket, pidFile }).to.deep.equal({
      bundle: "/home/me/b",
      consoleSocket: "/home/me/b/s",
      pidfdSocket: "/home/me/b/t",
      pidFile: "/home/p",
    });
  });

  it("understands go-runc's command line", () => {
    const argv = [
      "--bundle",
      "/b",
      "--pid-file",
      "/b/init.pid",
      "--no-pivot",
      "--no-new-keyring",
      "--preserve-fds",
      "2",
    ];
    expect(request(...argv)).to.deep.equal({
      id: "web",
      bundle: "/b",
      pidFile: "/b/init.pid",
      noPivot: true,
      noNewKeyring: true,
      preserveFds: 2,
    });
  });

  it("counts the descriptors that the service manager passed, before those to preserve", () => {
    const env = { LISTEN_FDS: "2", LISTEN_PID: String(PID), LISTEN_FDNAMES: "a:b" };
    expect(requestWith(env, "--preserve-fds", "3")).to.deep.include({
      preserveFds: 5,
      environment: ["LISTEN_FDS=2", "LISTEN_PID=1", "LISTEN_FDNAMES=a:b"],
    });
    expect(requestWith({ LISTEN_FDS: "1", LISTEN_PID: String(PID) }).environment).to.deep.equal([
      "LISTEN_FDS=1",
      "LISTEN_PID=1",
    ]);
  });

  for (const env of [
    { LISTEN_FDS: "2", LISTEN_PID: "1" },
    { LISTEN_FDS: "2" },
    { LISTEN_FDS: "x", LISTEN_PID: String(PID) },
    { LISTEN_FDS: "-1", LISTEN_PID: String(PID) },
    { LISTEN_FDS: "99999999", LISTEN_PID: String(PID) },
    { LISTEN_FDS: "0", LISTEN_PID: String(PID) },
    { NOTIFY_SOCKET: "" },
  ]) {
    it(`passes nothing on for ${JSON.stringify(env)}`, () => {
      expect(requestWith(env)).to.deep.equal(request());
    });
  }

  it("takes the socket of the service manager", () => {
    expect(requestWith({ NOTIFY_SOCKET: "@/run/x" }).notifySocket).to.equal("@/run/x");
  });
});
