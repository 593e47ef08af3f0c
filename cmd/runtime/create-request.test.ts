import { expect } from "chai";
import { parseFlags } from "../parse-flags.ts";
import { createFlags, toCreateRequest } from "./create-request.ts";

function request(...argv: readonly string[]) {
  return toCreateRequest("/home/me", "web", parseFlags(createFlags, argv).flags);
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
    const { bundle, consoleSocket, pidFile } = request("-b", "b", "--console-socket", "s", "--pid-file", "../p");
    expect({ bundle, consoleSocket, pidFile }).to.deep.equal({
      bundle: "/home/me/b",
      consoleSocket: "/home/me/b/s",
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
});
