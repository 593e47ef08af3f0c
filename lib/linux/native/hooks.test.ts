import { readFileSync } from "node:fs";
import { expect } from "chai";
import { describe, it } from "mocha";
import { HOOK_BYTES, HOOK_INPUT_BYTES, HOOK_TIMEOUT } from "../../plan/layout.ts";
import { CONTROL, register, type Step, type Struct } from "../../plan/step.ts";
import { DONE, failureOf, PURPOSE, runProgram } from "../../testing/run-program.ts";
import { TemporaryDirectory } from "../../testing/temporary-directory.ts";
import { errnoSymbol } from "../constants/errno.ts";
import { openKernel } from "../kernel.ts";

const kernel = openKernel();
const NO_LIMIT = -1n;
const SIGKILL = 9;

interface Hook {
  readonly path?: string;
  readonly script?: string;
  readonly env?: readonly string[];
  readonly input?: string;
  readonly timeoutMs?: bigint;
}

/** struct hook of native/program.h. */
function hookStep({ path = "/bin/sh", script = "", env = [], input = "", timeoutMs = NO_LIMIT }: Hook): Step {
  const bytes = new Uint8Array(HOOK_BYTES);
  const view = new DataView(bytes.buffer);
  view.setBigUint64(HOOK_INPUT_BYTES, BigInt(new TextEncoder().encode(input).length), true);
  view.setBigInt64(HOOK_TIMEOUT, timeoutMs, true);
  const hook: Struct = {
    kind: "struct",
    bytes,
    pointers: [
      { at: 0, to: path },
      { at: 8, to: { kind: "strings", values: ["name", "-c", script] } },
      { at: 16, to: { kind: "strings", values: env } },
      { at: 24, to: input },
    ],
    describe: () => "{}",
  };
  return { call: "runHook", args: [hook], purpose: PURPOSE };
}

const F_SETFD = 2;
const FD_CLOEXEC = 1;

/** As in every plan: what a hook leaves behind does not hold the control socket open. */
const CLOSE_ON_EXEC: Step = { call: "fcntl", args: [register(CONTROL), F_SETFD, FD_CLOEXEC], purpose: PURPOSE };

/** How a hook ended: errno, its status as of wait(2), and what it printed. */
function run(hook: Hook) {
  const outcome = runProgram(kernel, [CLOSE_ON_EXEC, hookStep(hook), DONE]);
  const failure = failureOf(outcome);
  if (failure === undefined) return { code: outcome.status.code };
  const status = new DataView(failure.log.buffer).getUint32(0, true);
  return { errno: errnoSymbol(failure.errno), status, output: new TextDecoder().decode(failure.log.subarray(4)) };
}

const SUCCESS = { code: 0 };

describe("executor: runHook", () => {
  const cases: readonly (readonly [name: string, hook: Hook, ended: ReturnType<typeof run>])[] = [
    ["a hook that succeeds", { script: "exit 0" }, SUCCESS],
    ["its words, which nobody asked for", { script: "echo hello; echo there >&2" }, SUCCESS],
    ["a status", { script: "exit 3" }, { errno: "EPROTO", status: 3 << 8, output: "" }],
    [
      "a status, with what it printed to both",
      { script: "echo one; echo two >&2; exit 1" },
      { errno: "EPROTO", status: 1 << 8, output: "one\ntwo\n" },
    ],
    ["a signal", { script: "kill -TERM $$" }, { errno: "EPROTO", status: 15, output: "" }],
    ["no such program", { path: "/none" }, { errno: "EPROTO", status: 127 << 8, output: "" }],
    ["no time", { script: "exec sleep 60", timeoutMs: 50n }, { errno: "ETIMEDOUT", status: SIGKILL, output: "" }],
    [
      "no time, but words",
      { script: "echo busy; exec sleep 60", timeoutMs: 500n },
      { errno: "ETIMEDOUT", status: SIGKILL, output: "busy\n" },
    ],
    ["time enough", { script: "exit 0", timeoutMs: 9000n }, SUCCESS],
    ["an input", { script: '[ "$(cat)" = "the state" ]', input: "the state" }, SUCCESS],
    ["an input it does not read", { script: "exit 0", input: "x".repeat(1 << 20) }, SUCCESS],
    ["a large input", { script: '[ "$(wc -c)" -eq 1048576 ]', input: "x".repeat(1 << 20) }, SUCCESS],
    ["no input", { script: '[ "$(cat)" = "" ]' }, SUCCESS],
    [
      "its environment, and nothing else",
      { script: '[ "$A" = "1 2" ] && [ "$HOME$USER" = "" ]', env: ["A=1 2"] },
      SUCCESS,
    ],
  ];
  for (const [name, hook, ended] of cases) {
    it(name, () => expect(run(hook)).to.deep.equal(ended));
  }

  it("keeps the beginning of a long output, and lets the hook print it all", () => {
    const script = "i=0; while [ $i -lt 20000 ]; do echo line-$i; i=$((i+1)); done; exit 5";
    const ended = run({ script });
    expect(ended).to.deep.include({ errno: "EPROTO", status: 5 << 8 });
    expect(ended.output).to.match(/^line-0\nline-1\n/);
    expect(ended.output).to.have.length.within(200, 240);
  });

  it("goes on with the next step after it", () => {
    using directory = new TemporaryDirectory();
    const steps = ["1", "2"].map((text) => hookStep({ script: `echo ${text} >> ${directory.at("out")}` }));
    expect(runProgram(kernel, [...steps, DONE]).status.code).to.equal(0);
    expect(readFileSync(directory.at("out"), "utf8")).to.equal("1\n2\n");
  });

  it("waits for the hook alone, not for what it started and left with the output open", () => {
    using directory = new TemporaryDirectory();
    const ended = run({ script: `sleep 60 & echo $! > ${directory.at("pid")}; exit 0`, timeoutMs: 9000n });
    kernel.call("kill", Number(readFileSync(directory.at("pid"), "utf8")), SIGKILL);
    expect(ended).to.deep.equal(SUCCESS);
  });

  it("gives it its input by 0 alone", () => {
    using directory = new TemporaryDirectory();
    run({
      script: `for fd in /proc/$$/fd/[0-9] /proc/$$/fd/[0-9][0-9]; do readlink $fd; done > ${directory.at("out")}`,
    });
    const links = readFileSync(directory.at("out"), "utf8").split("\n");
    expect(links.filter((link) => link.startsWith("/memfd:hook"))).to.have.lengthOf(1);
  });
});
