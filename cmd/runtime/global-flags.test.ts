import { expect } from "chai";
import { parseFlags } from "../parse-flags.ts";
import { globalFlags, stateRoot } from "./global-flags.ts";

describe("stateRoot()", () => {
  const cases = [
    { argv: [], uid: 0, env: {}, root: "/run/tsrun" },
    { argv: [], uid: 0, env: { XDG_RUNTIME_DIR: "/run/user/0" }, root: "/run/tsrun" },
    { argv: [], uid: 1000, env: { XDG_RUNTIME_DIR: "/run/user/1000" }, root: "/run/user/1000/tsrun" },
    { argv: [], uid: 1000, env: {}, root: "/run/tsrun" },
    { argv: [], uid: 1000, env: { XDG_RUNTIME_DIR: "relative" }, root: "/run/tsrun" },
    { argv: ["--root", "state"], uid: 0, env: {}, root: "/home/me/state" },
    { argv: ["--root="], uid: 0, env: {}, root: "/run/tsrun" },
    { argv: [], uid: 0, env: { XDG_RUNTIME_DIR: "/run/user/0" }, nested: true, root: "/run/user/0/tsrun" },
    { argv: [], uid: 0, env: { XDG_RUNTIME_DIR: "/run/user/0", USER: "root" }, nested: true, root: "/run/tsrun" },
    { argv: [], uid: 0, env: { XDG_RUNTIME_DIR: "/run/user/0", USER: "me" }, nested: true, root: "/run/user/0/tsrun" },
  ];
  for (const { argv, uid, env, root, nested = false } of cases) {
    it(`${JSON.stringify(argv)} for user ${uid} with ${JSON.stringify(env)}${nested ? " in a user namespace" : ""} → ${root}`, () => {
      const caller = { cwd: "/home/me", uid, env, isInUserNamespace: () => nested };
      const isRuntimeDir = root.startsWith("/run/user/");
      expect(stateRoot(parseFlags(globalFlags, argv).flags, caller)).to.deep.equal({ root, keepRoot: isRuntimeDir });
    });
  }
});

describe("globalFlags", () => {
  it("takes go-runc's whole command line", () => {
    const argv = ["--root", "/r", "--debug", "--log", "/l", "--log-format", "json", "--criu", "c", "--systemd-cgroup"];
    const { flags, positionals } = parseFlags(globalFlags, [...argv, "--rootless=true", "state", "--x"], {
      stopAtPositional: true,
    });
    expect(flags).to.deep.equal({
      root: "/r",
      debug: true,
      log: "/l",
      logFormat: "json",
      criu: "c",
      systemdCgroup: true,
      timings: false,
      rootless: true,
      version: false,
    });
    expect(positionals).to.deep.equal(["state", "--x"]);
  });

  for (const [given, rootless] of [
    ["auto", "auto"],
    ["", "auto"],
    ["false", false],
    ["1", true],
  ] as const) {
    it(`reads --rootless=${given}`, () => {
      expect(parseFlags(globalFlags, [`--rootless=${given}`]).flags.rootless).to.equal(rootless);
    });
  }
});
