import { expect } from "chai";
import { openKernel } from "../linux/kernel.ts";
import { acceptStream, connectStream } from "../linux/socket.ts";
import { TemporaryDirectory } from "../testing/temporary-directory.ts";
import { isAdmitted, listenAt } from "./listener.ts";

const NOBODY = 65_534;
const UNCHANGED = -1;

const kernel = openKernel();

/** Makes calls of this thread as another user, and its group; system calls alone, which is what connect(2) goes by. */
function as<T>({ uid, gid }: { readonly uid: number; readonly gid: number }, run: () => T): T {
  kernel.call("setresgid", UNCHANGED, gid, UNCHANGED);
  kernel.call("setresuid", UNCHANGED, uid, UNCHANGED);
  try {
    return run();
  } finally {
    kernel.call("setresuid", UNCHANGED, 0, UNCHANGED);
    kernel.call("setresgid", UNCHANGED, 0, UNCHANGED);
  }
}

describe("isAdmitted()", () => {
  for (const [who, peer, isWelcome] of [
    ["root", { uid: 0, gid: 0 }, true],
    ["the group", { uid: NOBODY, gid: 77 }, true],
    ["nobody", { uid: NOBODY, gid: NOBODY }, false],
  ] as const) {
    it(`${isWelcome ? "lets in" : "refuses"} ${who}, with a socket that is open to all`, () => {
      using folder = new TemporaryDirectory();
      const path = folder.at("s");
      using listener = listenAt(kernel, path);
      for (const opened of [folder.at("."), path]) kernel.call("fchmodat", -100, opened, 0o777, 0);
      using _client = as(peer, () => connectStream(kernel, path));
      using server = acceptStream(kernel, listener);
      const warnings: string[] = [];
      const warn = (message: string) => void warnings.push(message);
      expect(isAdmitted(kernel, server.number, { gid: 77, warn })).to.equal(isWelcome);
      const refusal = `refused a connection of process ${process.pid}: uid ${NOBODY} is not root, nor in group 77`;
      expect(warnings).to.deep.equal(isWelcome ? [] : [refusal]);
    });
  }
});
