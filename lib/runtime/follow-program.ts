import { ContainerError } from "../errors.ts";
import { errnoNumber } from "../linux/constants/errno.ts";
import { SIGNALS } from "../linux/constants/processes.ts";
import { MSG } from "../linux/constants/sockets.ts";
import { parseReport, REPORT_BYTES, type Report } from "../linux/executor.ts";
import type { OwnedFd } from "../linux/fd.ts";
import { findText } from "../linux/files.ts";
import type { Kernel } from "../linux/kernel.ts";
import { readStat } from "../linux/procfs.ts";
import { receive } from "../linux/socket.ts";
import { type Plan, planSteps } from "../plan/compile.ts";
import { refuseOtherLabel } from "../plan/labels.ts";
import {
  MESSAGE_BYTES,
  MESSAGE_HOOKS,
  MESSAGE_LABEL,
  MESSAGE_LISTENER,
  MESSAGE_NETWORK,
  MESSAGE_PID,
  MESSAGE_READY,
} from "../plan/messages.ts";
import type { Hooks, Process } from "../spec/config.ts";
import { hookState } from "./container-status.ts";
import { type ContainerRecord, writeRecord } from "./container-store.ts";
import { DEBUG } from "./debug-words.ts";
import { runHooks } from "./hooks.ts";
import type { RuntimeOptions } from "./options.ts";
import type { SeccompListener } from "./seccomp-listener.ts";
import { stepError } from "./step-error.ts";
import { awaitChild, awaitReadable } from "./waits.ts";

/** A container whose init waits for `start`. */
export interface CreatedContainer {
  readonly record: ContainerRecord;
  /** A child of this process, to be waited for or to be left to the next subreaper. */
  readonly initPid: number;
}

/** What is known of a container while it is made. */
export interface Progress {
  record: ContainerRecord;
  /** Takes the descriptor of a filter that notifies. */
  readonly listener?: SeccompListener | undefined;
  /** `process` of the config, whose labels are checked. */
  readonly process?: Process | undefined;
}

/** Reads the program's messages until the container is complete. @throws {SyscallError} for the refused step */
export async function followProgram(
  options: RuntimeOptions,
  plan: Plan,
  hooks: Hooks,
  control: OwnedFd,
  progress: Progress,
): Promise<CreatedContainer> {
  // Init can be further than the process that tells its pid: what it says meanwhile is kept.
  const early: Told[] = [];
  for (;;) {
    const kept = progress.record.init === undefined ? undefined : early.shift();
    const told = kept ?? (await readMessage(options, plan, control, progress));
    const { init } = progress.record;
    if (init === undefined) {
      early.push(told);
      continue;
    }
    const state = () => hookState(progress.record, init.pid, "creating");
    switch (told.message) {
      case MESSAGE_READY:
        options.debug(DEBUG.complete);
        options.mark?.("init ready");
        return { record: progress.record, initPid: init.pid };
      case MESSAGE_LISTENER:
        progress.listener?.deliver(init.pid, state());
        break;
      case MESSAGE_LABEL:
        refuseOtherLabel(told.bytes, progress.process);
        sendAnswer(options.kernel, control);
        break;
      case MESSAGE_NETWORK: {
        const { moveNetDevices } = await import("./net-devices.ts");
        const devices = plan.runtime.filter(({ call }) => call === "moveDevice");
        moveNetDevices(options.kernel, devices, { pid: init.pid, fd: told.value });
        sendAnswer(options.kernel, control);
        break;
      }
      case MESSAGE_HOOKS:
        await runHooks("prestart", hooks.prestart, state());
        await runHooks("createRuntime", hooks.createRuntime, state());
        sendAnswer(options.kernel, control);
    }
  }
}

/** Lets a process go on that waits for an answer; one that has ended says so itself. */
export function sendAnswer(kernel: Kernel, control: OwnedFd): void {
  kernel.call("sendto", control.number, new Uint8Array(MESSAGE_BYTES), MESSAGE_BYTES, MSG.MSG_NOSIGNAL, 0, 0);
}

/** A message of the program, and all its bytes. */
export interface Told {
  readonly message: number;
  readonly value: number;
  readonly bytes: Uint8Array;
}

/** Reads one message; the pid of init is written down at once. @throws {SyscallError} for the refused step */
async function readMessage(options: RuntimeOptions, plan: Plan, control: OwnedFd, progress: Progress): Promise<Told> {
  await awaitReadable(options, control);
  const bytes = receiveReport(options.kernel, control, progress.listener);
  if (bytes.length === 0) throw await endedEarly(options, progress.record);
  const report = parseReport(bytes);
  if (report.kind === "failure") throw refusalOf(plan, report);
  if (report.message === MESSAGE_PID) recordInit(options, progress, report.value);
  return { message: report.message, value: report.value, bytes };
}

/** One message of a program: a descriptor can come with it when there is somebody to take it. Empty at the end. */
export function receiveReport(kernel: Kernel, control: OwnedFd, listener: SeccompListener | undefined): Uint8Array {
  const buffer = new Uint8Array(REPORT_BYTES);
  return listener === undefined ? receive(kernel, control, buffer) : listener.receive(control, buffer);
}

/** Waits for the birth of init. @throws {SyscallError} for a refused step of setup */
export async function awaitInit(
  options: RuntimeOptions,
  plan: Plan,
  control: OwnedFd,
  progress: Progress,
): Promise<number> {
  while (progress.record.init === undefined) await readMessage(options, plan, control, progress);
  return progress.record.init.pid;
}

function refusalOf(plan: Plan, report: Extract<Report, { kind: "failure" }>): Error {
  const step = planSteps(plan)[report.step];
  if (step === undefined) return new TypeError(`internal error: report of step ${report.step}`);
  return stepError(step, { ...report, process: report.step < plan.setup.length ? "setup" : "init" });
}

/** Reads what is there without waiting, until it finds the pid of init: whoever clears up has to know it. */
export function findInit(options: RuntimeOptions, control: OwnedFd, progress: Progress): void {
  const buffer = new Uint8Array(REPORT_BYTES);
  while (progress.record.init === undefined) {
    const bytes = options.kernel.call("recvfrom", control.number, buffer, buffer.length, MSG.MSG_DONTWAIT, 0, 0);
    if (bytes === -errnoNumber("ECONNRESET")) continue;
    if (bytes <= 0) return;
    const report = parseReport(buffer.subarray(0, bytes));
    if (report.kind === "message" && report.message === MESSAGE_PID) recordInit(options, progress, report.value);
  }
}

function recordInit(options: RuntimeOptions, progress: Progress, pid: number): void {
  const startTime = readStat(options.kernel, pid)?.startTime ?? 0;
  progress.record = { ...progress.record, init: { pid, startTime } };
  options.debug(`${DEBUG.born}: pid ${pid}`);
  writeRecord(options, progress.record);
  options.mark?.("birth of init");
}

/** Init, or the process before it, went away without a word: something killed it. */
async function endedEarly(options: RuntimeOptions, record: ContainerRecord): Promise<ContainerError> {
  // Whatever it still does, nobody hears of it any more.
  if (record.init !== undefined) options.kernel.call("kill", record.init.pid, SIGNALS.SIGKILL);
  const status = record.init === undefined ? undefined : await awaitChild(options, record.init.pid);
  const how = status?.signal === undefined ? `exit status ${status?.code ?? "unknown"}` : `signal ${status.signal}`;
  const hint = wasOomKilled(options.kernel, record) ? ": container init was OOM-killed (memory limit too low?)" : "";
  if (record.init === undefined && record.cgroups.scope !== undefined) {
    // systemd removes the cgroup with its last process, and what it has counted.
    return new ContainerError(
      "internal",
      "cannot create the container: killed before it had a process of its own (memory limit too low?)",
    );
  }
  return new ContainerError("internal", `cannot create the container: init ended with ${how}${hint}`);
}

function wasOomKilled(kernel: Kernel, { cgroups }: ContainerRecord): boolean {
  return cgroups.directories.some((directory) => {
    const file = cgroups.mode === "v2" ? `${directory}/memory.events` : `${directory}/memory.oom_control`;
    return /^oom_kill [1-9]/m.test(findText(kernel, file) ?? "");
  });
}
