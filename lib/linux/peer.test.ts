import { expect } from "chai";
import { TemporaryDirectory } from "../testing/temporary-directory.ts";
import { OwnedFd } from "./fd.ts";
import { openKernel } from "./kernel.ts";
import { peerCredentials } from "./peer.ts";
import { acceptStream, connectStream, listenStream } from "./socket.ts";

const kernel = openKernel();

describe("peerCredentials()", () => {
  it("says who has connected", () => {
    using folder = new TemporaryDirectory();
    const listener = listenStream(kernel, folder.at("s"));
    expect(listener).to.be.instanceOf(OwnedFd);
    using listening = listener as OwnedFd;
    using _client = connectStream(kernel, folder.at("s"));
    using server = acceptStream(kernel, listening);
    const groups = (process.getgroups?.() ?? []).toSorted((one, other) => one - other);
    expect(peerCredentials(kernel, server.number)).to.deep.equal({
      ...{ pid: process.pid, uid: process.geteuid?.(), gid: process.getegid?.() },
      groups,
    });
  });

  it("fails for what is no socket", () => {
    expect(() => peerCredentials(kernel, 0)).to.throw("cannot tell who has connected: ");
  });
});
