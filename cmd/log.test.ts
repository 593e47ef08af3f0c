import { expect } from "chai";
import { ContainerError, SyscallError } from "../lib/errors.ts";
import { createLog, type LogSettings } from "./log.ts";

const SETTINGS: LogSettings = { name: "tsrun", file: "/log", format: "json", debug: false };

const REFUSED = new ContainerError("internal", 'cannot create "web"', {
  cause: new SyscallError("cannot mount tmpfs on /dev/shm: operation not permitted (EPERM)", {
    call: "mount",
    errno: "EPERM",
    path: "/dev/shm",
    pointer: "/mounts/3",
    process: "init",
  }),
});

function record(settings: Partial<LogSettings>, { broken = false } = {}) {
  const written = { stderr: "", file: "" };
  const log = createLog(
    { ...SETTINGS, ...settings },
    {
      now: () => new Date("2026-11-20T23:24:58.123Z"),
      writeStderr: (content) => {
        written.stderr += content;
      },
      appendToFile: (_, content) => {
        if (broken) throw new Error("no space left on device (ENOSPC)");
        written.file += content;
      },
    },
  );
  return { log, written };
}

describe("createLog()", () => {
  it("writes an error to the log in JSON, with what is known of the system call, and to standard error in words", () => {
    const { log, written } = record({});
    log.fail(REFUSED);
    const msg = 'cannot create "web": cannot mount tmpfs on /dev/shm: operation not permitted (EPERM)';
    expect(JSON.parse(written.file)).to.deep.equal({
      level: "error",
      msg,
      time: "2026-11-20T23:24:58Z",
      stage: "init",
      syscall: "mount",
      path: "/dev/shm",
      errno: "EPERM",
      pointer: "/mounts/3",
    });
    expect(written.file).to.match(/^[^\n]+\n$/);
    expect(written.stderr).to.equal(`tsrun: ${msg}\n`);
  });

  it("writes text as logrus does", () => {
    const { log, written } = record({ format: "text" });
    log.fail(new Error('a "b"\nc'));
    log.warn("plain");
    expect(written.file).to.equal(
      'time="2026-11-20T23:24:58Z" level=error msg="a \\"b\\"\\\\u000ac"\ntime="2026-11-20T23:24:58Z" level=warning msg=plain\n',
    );
  });

  it("has one line of level error, the last, with debug on", () => {
    const { log, written } = record({ debug: true });
    log.debug("begin");
    log.fail(REFUSED);
    const levels = written.file
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line).level);
    expect(levels).to.deep.equal(["debug", "error"]);
  });

  it("shows the stack of a mistake of ours with debug on", () => {
    const { log, written } = record({ debug: true });
    log.fail(new TypeError("internal error: x"));
    expect(written.file).to.match(/"level":"debug","msg":"TypeError: internal error: x\\n +at /);
  });

  it("keeps quiet about debug messages nobody asked for", () => {
    const { log, written } = record({});
    log.debug("begin");
    expect(written).to.deep.equal({ stderr: "", file: "" });
  });

  it("writes to standard error without a file: words, debug messages as runc does, or JSON when asked", () => {
    const plain = record({ file: undefined, format: "text", debug: true });
    plain.log.debug("begin");
    plain.log.warn("careful");
    plain.log.fail(new ContainerError("internal", "why"));
    expect(plain.written.stderr).to.equal(
      `time="2026-11-20T23:24:58Z" level=debug msg=begin\ntsrun: warning: careful\ntsrun: why\n`,
    );
    const json = record({ file: undefined });
    json.log.fail(new Error("why"));
    expect(JSON.parse(json.written.stderr).msg).to.equal("why");
  });

  it("loses no message when the log cannot be written", () => {
    const { log, written } = record({}, { broken: true });
    log.warn("careful");
    log.fail(new Error("why"));
    expect(written.stderr).to.include("tsrun: warning: cannot write to log /log: no space left on device (ENOSPC)\n");
    expect(written.stderr).to.include("tsrun: warning: careful\n");
    expect(written.stderr).to.match(/tsrun: why\n$/);
  });
});
