import { ContainerError } from "../errors.ts";
import { SIGNALS } from "../linux/constants/processes.ts";
import { launchExecutor, parseReport, type Report } from "../linux/executor.ts";
import type { OwnedFd } from "../linux/fd.ts";
import { socketPair } from "../linux/socket.ts";
import type { PlanProcess } from "../plan/compile.ts";
import { encode, presetRegister } from "../plan/encode.ts";
import { INIT_PROC } from "../plan/exec.ts";
import { refuseOtherLabel } from "../plan/labels.ts";
import { MESSAGE_LABEL, MESSAGE_LISTENER, MESSAGE_PID } from "../plan/messages.ts";
import { CONTROL, type Step } from "../plan/step.ts";
import { CONSOLE_SOCKET } from "../plan/terminal.ts";
import type { Process } from "../spec/config.ts";
import { DEBUG } from "./debug-words.ts";
import { receiveReport, sendAnswer, type Told } from "./follow-program.ts";
import type { RuntimeOptions, Stdio } from "./options.ts";
import type { SeccompListener } from "./seccomp-listener.ts";
import { stepError } from "./step-error.ts";
import { awaitChild, awaitReadable } from "./waits.ts";

/** The program that adds a process to a container, and what it is started with. */
export interface ExecProgram {
  readonly process: Process;
  readonly steps: readonly Step[];
  /** Init's directory in /proc. */
  readonly initProc: OwnedFd;
  readonly preserveFds: number;
  readonly stdio?: Stdio | undefined;
  /** Called when the program runs, with its pid and the socket on which it may wait. */
  readonly onStart?: ((pid: number, control: OwnedFd) => Promise<void>) | undefined;
  /** What takes the descriptor of a filter that notifies, and sends it on for the process with that pid. */
  readonly seccomp: { readonly listener: SeccompListener; readonly tell: (pid: number) => void } | undefined;
}

/** Runs the program until its process has become what it is to be; gives its pid. @throws {SyscallError} */
export async function startProcess(
  options: RuntimeOptions,
  program: ExecProgram,
  console: OwnedFd | undefined,
): Promise<number> {
  const { kernel } = options;
  const { steps, initProc, preserveFds, stdio } = program;
  const part = encode(steps, kernel.architecture);
  const [control, remote] = socketPair(kernel);
  using _control = control;
  using _remote = remote;
  const names = [CONTROL, INIT_PROC, CONSOLE_SOCKET];
  const executor = launchExecutor(kernel, {
    inherit: console === undefined ? [remote, initProc] : [remote, initProc, console],
    preserveFds,
    stdio,
    image: (numbers) => {
      names.forEach((name, index) => {
        presetRegister(part, name, numbers[index] ?? -1);
      });
      return part.image;
    },
  });
  using _program = executor.program;
  remote.close();
  options.mark?.("start executor");
  try {
    await program.onStart?.(executor.pid, control);
    return await followUntilExecuted(options, program, control);
  } finally {
    await awaitChild(options, executor.pid);
  }
}

/** execve(2) closes the program's end of the socket: its end is the news that the process runs. */
async function followUntilExecuted(options: RuntimeOptions, program: ExecProgram, control: OwnedFd): Promise<number> {
  let pid: number | undefined;
  // The process can be further than the one that tells its pid: what it says meanwhile is kept.
  const told: Told[] = [];
  for (;;) {
    await awaitReadable(options, control);
    const bytes = receiveReport(options.kernel, control, program.seccomp?.listener);
    if (bytes.length === 0) break;
    const report = parseReport(bytes);
    if (report.kind === "failure") throw await reapRefused(options, program.steps, report, pid);
    if (report.message === MESSAGE_PID) {
      pid = report.value;
      options.debug(`${DEBUG.born}: pid ${pid}`);
      options.debug(DEBUG.aboutToExec);
    } else told.push({ message: report.message, value: report.value, bytes });
    if (pid === undefined) continue;
    for (const message of told.splice(0)) await heed(options, program, { pid, control, ...message });
  }
  options.mark?.("execute");
  if (pid !== undefined) return pid;
  throw new ContainerError("internal", "cannot start the process: it ended before it was complete");
}

/** Does what a message of the process asks for; when it cannot be done, the process is ended. @throws {ContainerError} */
async function heed(
  options: RuntimeOptions,
  { process, seccomp }: ExecProgram,
  { pid, control, message, bytes }: Told & { readonly pid: number; readonly control: OwnedFd },
): Promise<void> {
  try {
    if (message === MESSAGE_LISTENER) seccomp?.tell(pid);
    if (message !== MESSAGE_LABEL) return;
    refuseOtherLabel(bytes, process);
    sendAnswer(options.kernel, control);
  } catch (error) {
    options.kernel.call("kill", pid, SIGNALS.SIGKILL);
    await awaitChild(options, pid);
    throw error;
  }
}

type Failure = Extract<Report, { kind: "failure" }>;

async function reapRefused(
  options: RuntimeOptions,
  steps: readonly Step[],
  report: Failure,
  pid: number | undefined,
): Promise<Error> {
  if (pid !== undefined) await awaitChild(options, pid);
  const process: PlanProcess = pid === undefined ? "setup" : "init";
  const step = steps[report.step];
  if (step === undefined) return new TypeError(`internal error: report of step ${report.step}`);
  return stepError(step, { ...report, process });
}
