import { expect } from "chai";
import { describe, it } from "mocha";
import { ContainerError, explain, SyscallError } from "../errors.ts";
import type { Host } from "../plan/host.ts";
import type { Config, Mount } from "../spec/config.ts";
import { FakeKernel } from "../testing/fake-kernel.ts";
import { NESTED_ROOT, ORDINARY_USER, SMALL_V2 } from "../testing/plan-host.ts";
import { withHint } from "./refusal-hint.ts";

const MOUNTINFO = `22 1 8:1 / / rw,relatime - ext4 /dev/root rw
30 22 0:25 / /ro ro,nosuid,nodev,relatime - tmpfs tmpfs rw
31 22 0:5 / /proc rw,relatime - proc proc rw
32 31 0:6 / /proc/kcore rw,relatime - devtmpfs udev rw
`;
const FILES = { "/proc/self/mountinfo": MOUNTINFO, "/proc/self/uid_map": "  0  1000   1\n  1 100000 10\n" };

interface Case {
  readonly name: string;
  readonly call: string;
  readonly errno: string;
  readonly pointer?: string;
  readonly path?: string;
  readonly mount?: Mount;
  readonly types?: readonly ("pid" | "ipc")[];
  readonly host?: Host;
  readonly files?: Readonly<Record<string, string>>;
  /** What follows the message; undefined when there is nothing to add. */
  readonly hint: RegExp | undefined;
}

function told({ call, errno, pointer, path, mount, types = [], host = ORDINARY_USER, files = {} }: Case): string {
  const config: Config = {
    ociVersion: "1.3.0",
    root: { path: "rootfs" },
    mounts: mount === undefined ? [] : [mount],
    linux: { namespaces: [...types, "mount" as const].map((type) => ({ type })) },
  };
  const error = new SyscallError("cannot", { call, errno, pointer, path });
  const kernel = new FakeKernel({ files: { ...FILES, ...files } });
  return explain(withHint(kernel, { config, host, bundle: "/b" }, error)).slice("cannot".length);
}

const bind = (options: readonly string[], source = "/ro/x"): Mount => ({ destination: "/d", source, options });

describe("withHint()", () => {
  const mount = { call: "mount_setattr", errno: "EPERM", pointer: "/mounts/0" };
  const cases: readonly Case[] = [
    {
      ...mount,
      name: "a locked ro",
      mount: bind(["bind", "rw"]),
      hint: /comes from, \/ro \(tmpfs\), is ro, which is locked.*leave out "rw"$/,
    },
    {
      ...mount,
      name: "two locked flags",
      mount: bind(["rbind", "rdev", "suid"]),
      hint: /is nosuid, nodev, which.*leave out "suid", "dev"$/,
    },
    {
      ...mount,
      name: "an access time",
      mount: bind(["bind", "noatime"], "/x"),
      hint: /from, \/ \(ext4\), is relatime, which/,
    },
    { ...mount, name: "what is not locked", mount: bind(["bind", "rw"], "/x"), hint: undefined },
    { ...mount, name: "a mount of the host's root", mount: bind(["bind", "rw"]), host: SMALL_V2, hint: undefined },
    {
      name: "mounts below",
      call: "open_tree",
      errno: "EINVAL",
      pointer: "/mounts/0/source",
      mount: bind(["bind"]),
      hint: /use "rbind" for "bind"$/,
    },
    {
      name: "mounts below that come along",
      call: "open_tree",
      errno: "EINVAL",
      pointer: "/mounts/0/source",
      mount: bind(["rbind"]),
      hint: undefined,
    },
    {
      name: "a covered proc",
      call: "fsmount",
      errno: "EPERM",
      pointer: "/mounts/0",
      mount: { destination: "/proc", type: "proc" },
      types: ["pid"],
      hint: /covered in the one that is visible here \(\/proc\/kcore\).*bind that one: \{"destination": "\/proc"/,
    },
    {
      name: "a proc of the host's pids",
      call: "fsconfig",
      errno: "EPERM",
      pointer: "/mounts/0",
      mount: { destination: "/proc", type: "proc" },
      hint: /belongs to the pid namespace/,
    },
    {
      name: "an mqueue",
      call: "fsmount",
      errno: "EPERM",
      pointer: "/mounts/0",
      mount: { destination: "/q", type: "mqueue" },
      hint: /belongs to the IPC namespace/,
    },
    {
      name: "no user namespaces",
      call: "clone",
      errno: "EPERM",
      files: { "/proc/sys/kernel/unprivileged_userns_clone": "0\n" },
      hint: /set sysctl kernel.unprivileged_userns_clone=1$/,
    },
    {
      name: "AppArmor",
      call: "clone",
      errno: "EPERM",
      files: { "/proc/sys/kernel/apparmor_restrict_unprivileged_userns": "1\n" },
      hint: /AppArmor takes all capabilities/,
    },
    {
      name: "AppArmor at the first mount",
      call: "unshare",
      errno: "EPERM",
      files: { "/proc/sys/kernel/apparmor_restrict_unprivileged_userns": "1\n" },
      hint: /AppArmor/,
    },
    {
      name: "too many",
      call: "clone3",
      errno: "ENOSPC",
      files: { "/proc/sys/user/max_user_namespaces": "0\n" },
      hint: /max_user_namespaces \(0\)/,
    },
    { name: "too deep", call: "clone3", errno: "EUSERS", hint: /32 is the limit$/ },
    {
      name: "an id that is not there",
      call: "write",
      errno: "EPERM",
      path: "/proc/9/uid_map",
      host: NESTED_ROOT,
      hint: /whose uid_map is "0 1000 1; 1 100000 10"$/,
    },
    {
      name: "the OOM score",
      call: "writeFile",
      errno: "EACCES",
      pointer: "/process/oomScoreAdj",
      hint: /only the host's root may lower it$/,
    },
    {
      name: "a cgroup",
      call: "mkdirat",
      errno: "EACCES",
      pointer: "/linux/cgroupsPath",
      hint: /leave cgroupsPath out/,
    },
    {
      name: "a cgroup of root",
      call: "mkdirat",
      errno: "EACCES",
      pointer: "/linux/cgroupsPath",
      host: SMALL_V2,
      hint: undefined,
    },
    { name: "anything else", call: "capset", errno: "EPERM", hint: undefined },
  ];
  for (const each of cases) {
    it(`${each.hint === undefined ? "has nothing to say of" : "explains"} ${each.name}`, () => {
      expect(told(each)).to.match(each.hint ?? /^$/);
    });
  }

  it("explains what is the cause of another error, once", () => {
    const cause = new SyscallError("cannot write", { call: "write", errno: "EPERM", path: "/proc/9/gid_map" });
    const error = new ContainerError("internal", "cannot map ids", { cause });
    const attempt = { config: { ociVersion: "1.3.0", root: { path: "r" } }, host: NESTED_ROOT, bundle: "/b" };
    expect(explain(withHint(new FakeKernel({ files: FILES }), attempt, error))).to.match(
      /^cannot map ids: cannot write: every hostID/,
    );
  });

  it("gives other errors back as they are", () => {
    const error = new TypeError("x");
    const attempt = { config: { ociVersion: "1.3.0", root: { path: "r" } }, host: NESTED_ROOT, bundle: "/b" };
    expect(withHint(new FakeKernel(), attempt, error)).to.equal(error);
  });
});
