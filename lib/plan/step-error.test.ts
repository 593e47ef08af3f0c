import { expect } from "chai";
import { describe, it } from "mocha";
import { errnoNumber } from "../linux/constants/errno.ts";
import { stepError } from "../runtime/step-error.ts";
import { executePurpose } from "./executable.ts";
import type { Step } from "./step.ts";

const MOUNT: Step = {
  call: "fsconfig",
  args: [],
  purpose: { doing: "mount tmpfs on /dev/shm", from: "/mounts/3", path: "/dev/shm" },
};
const DEFAULT: Step = { call: "setsid", args: [], purpose: { doing: "start a session", from: "" } };
const CHECK: Step = { ...MOUNT, call: "checkFilesystem", refusal: "it leads into a proc filesystem" };

function find(name: string): Step {
  const purpose = { doing: `find executable "${name}"`, from: "/process/args/0", path: name };
  return { call: "findExecutable", args: [], purpose };
}

function execute(name: string): Step {
  return { call: "execve", args: [], purpose: executePurpose(name) };
}

const SH = execute("/bin/sh");

describe("stepError()", () => {
  const cases = [
    {
      name: "says what, where and why",
      step: MOUNT,
      errno: "EINVAL",
      text: "cannot mount tmpfs on /dev/shm (mounts[3]): invalid argument (EINVAL)",
    },
    {
      name: "says what the errno means there",
      step: { ...MOUNT, hints: { EINVAL: "no such size" } } satisfies Step,
      errno: "EINVAL",
      text: "cannot mount tmpfs on /dev/shm (mounts[3]): invalid argument (EINVAL): no such size",
    },
    {
      name: "says nothing of another errno",
      step: { ...MOUNT, hints: { EINVAL: "no such size" } } satisfies Step,
      errno: "EPERM",
      text: "cannot mount tmpfs on /dev/shm (mounts[3]): operation not permitted (EPERM)",
    },
    {
      name: "has no property for what every container gets",
      step: DEFAULT,
      errno: "EPERM",
      text: "cannot start a session: operation not permitted (EPERM)",
    },
    {
      name: "adds what the filesystem context says",
      step: MOUNT,
      errno: "EINVAL",
      log: 'e tmpfs: Unknown parameter "foo"\n',
      text: 'cannot mount tmpfs on /dev/shm (mounts[3]): invalid argument (EINVAL): tmpfs: Unknown parameter "foo"',
    },
    {
      name: "adds every line of it",
      step: MOUNT,
      errno: "EINVAL",
      log: "w one\ni two\n\n  \ne three",
      text: "cannot mount tmpfs on /dev/shm (mounts[3]): invalid argument (EINVAL): one: two: three",
    },
    {
      name: "gives a check's own reason",
      step: CHECK,
      errno: "ENODEV",
      text: "cannot mount tmpfs on /dev/shm (mounts[3]): it leads into a proc filesystem",
    },
    {
      name: "gives the kernel's reason when the check could not be made",
      step: CHECK,
      errno: "EBADF",
      text: "cannot mount tmpfs on /dev/shm (mounts[3]): bad file descriptor (EBADF)",
    },
    {
      // moby daemon/errors.go: "executable file not found" → exit code 127
      name: "says that PATH does not have the program",
      step: find("nope"),
      errno: "ENOENT",
      text: 'exec: "nope": executable file not found in $PATH (process.args[0])',
    },
    {
      // moby daemon/errors.go: "no such file or directory" → 127
      name: "says that there is no such program",
      step: find("/bin/nope"),
      errno: "ENOENT",
      text: 'exec: "/bin/nope": stat /bin/nope: no such file or directory (ENOENT) (process.args[0])',
    },
    {
      // moby daemon/errors.go: "permission denied" → 126
      name: "says that the program may not be run",
      step: find("script"),
      errno: "EACCES",
      text: 'exec: "script": permission denied (EACCES) (process.args[0])',
    },
    {
      // moby daemon/errors.go: "is a directory" → 126; podman's define/errors.go: "permission denied" → 126
      name: "says that the program is a directory",
      step: find("/etc"),
      errno: "EISDIR",
      text: 'exec: "/etc": is a directory (EISDIR): permission denied (process.args[0])',
    },
    {
      name: "says that what runs the program is missing",
      step: SH,
      errno: "ENOENT",
      text: "exec /bin/sh: no such file or directory (ENOENT): its interpreter is not in the rootfs (process.args[0])",
    },
    {
      name: "says that the kernel cannot run the program",
      step: SH,
      errno: "ENOEXEC",
      text: "exec /bin/sh: exec format error (ENOEXEC) (process.args[0])",
    },
  ] as const;
  for (const each of cases) {
    it(each.name, () => {
      const log = new TextEncoder().encode("log" in each ? each.log : "");
      const error = stepError(each.step, { errno: errnoNumber(each.errno), log, process: "init" });
      expect(error.message).to.equal(each.text);
      expect(error.details).to.deep.equal({
        call: each.step.call,
        errno: each.errno,
        path: each.step.purpose.path,
        pointer: each.step.purpose.from,
        process: "init",
      });
    });
  }

  it("has a word for an errno that nobody knows", () => {
    const error = stepError(DEFAULT, { errno: 999, log: new Uint8Array(), process: "setup" });
    expect(error.message).to.equal("cannot start a session: unknown error (E999)");
  });
});

describe("stepError() of a hook", () => {
  const HOOK: Step = {
    call: "runHook",
    args: [],
    purpose: { doing: "run the hook", from: "/hooks/createContainer/0", path: "/bin/hook" },
  };
  for (const [name, errno, status, output, why] of [
    ["exits", "EPROTO", 3 << 8, "", "exit status 3"],
    ["exits with words", "EPROTO", 1 << 8, " no luck\n", "exit status 1: no luck"],
    ["is not there", "EPROTO", 127 << 8, "", "exit status 127: /bin/hook cannot be executed"],
    ["exits with 127 and words", "EPROTO", 127 << 8, "sh: x: not found", "exit status 127: sh: x: not found"],
    ["is killed", "EPROTO", 9, "", "killed by signal 9"],
    ["takes too long", "ETIMEDOUT", 9, "still here", "it did not end in time: still here"],
    ["cannot be started", "EAGAIN", 0, "", "resource temporarily unavailable (EAGAIN)"],
  ] as const) {
    it(`${name}: ${why}`, () => {
      const words = new TextEncoder().encode(output);
      const log = Uint8Array.of(status & 0xff, status >> 8, 0, 0, ...words);
      const error = stepError(HOOK, { errno: errnoNumber(errno), log, process: "init" });
      expect(error.message).to.equal(
        `error running createContainer hook #0: error running hook /bin/hook (hooks.createContainer[0]): ${why}`,
      );
    });
  }
});
