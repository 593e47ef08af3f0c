import { POLL } from "../linux/constants/sockets.ts";
import {
  type ExitStatus,
  launchExecutor,
  parseReport,
  REPORT_BYTES,
  type Report,
  type RunningExecutor,
  sendPart,
  waitForChild,
} from "../linux/executor.ts";
import { OwnedFd } from "../linux/fd.ts";
import type { Kernel } from "../linux/kernel.ts";
import { receive, socketPair } from "../linux/socket.ts";
import { encode, type Part, presetRegister } from "../plan/encode.ts";
import { CONTROL, type Field, PROGRAM, type Purpose, register, type Step, type Struct } from "../plan/step.ts";

/** For tests: what came of a program. */
export interface Outcome {
  readonly reports: readonly Report[];
  readonly status: ExitStatus;
}

export interface ProgramOptions {
  /** Register → descriptor of this process, which the executor inherits. */
  readonly descriptors?: Readonly<Record<string, OwnedFd>>;
  /** Steps of the second part, sent when the first one is under way. */
  readonly second?: readonly Step[];
  /** Changes the bytes of the first part before they are written. */
  readonly alter?: (image: Uint8Array) => Uint8Array;
  /** Does something else than sending the second part. */
  readonly proceed?: (running: RunningProgram) => void;
  /** Closes this end of the control socket: no reports come. */
  readonly hangUp?: true;
}

/** A program whose first part runs. */
export interface RunningProgram {
  readonly executor: RunningExecutor;
  readonly first: Part;
  /** This process's end of the control socket. */
  readonly control: OwnedFd;
}

/** For tests: what any step may be for. */
export const PURPOSE: Purpose = { doing: "test", from: "" };

/** For tests: runs steps in the executor, up to its end. @throws {Error} when it does not end */
export function runProgram(kernel: Kernel, steps: readonly Step[], options: ProgramOptions = {}): Outcome {
  const first = encode(steps, kernel.architecture);
  const descriptors = Object.entries(options.descriptors ?? {});
  const [control, remote] = socketPair(kernel);
  using _control = control;
  using _remote = remote;
  const executor = launchExecutor(kernel, {
    inherit: [remote, ...descriptors.map(([, fd]) => fd)],
    preserveFds: 0,
    image: ([own = -1, ...numbers], program) => {
      presetRegister(first, CONTROL, own);
      presetRegister(first, PROGRAM, program);
      descriptors.forEach(([name], index) => {
        presetRegister(first, name, numbers[index] ?? -1);
      });
      return options.alter?.(first.image) ?? first.image;
    },
  });
  using _program = executor.program;
  remote.close();
  if (options.second !== undefined) {
    const part = encode(options.second, kernel.architecture, first);
    sendPart(kernel, executor, control, part.image, part.offset);
  }
  options.proceed?.({ executor, first, control });
  if (options.hangUp) control.close();
  const reports = options.hangUp ? [] : receiveAll(kernel, executor.pid, control);
  return { reports, status: waitSoon(kernel, executor.pid) };
}

function receiveAll(kernel: Kernel, pid: number, control: OwnedFd): readonly Report[] {
  const reports: Report[] = [];
  for (;;) {
    const bytes = receiveSoon(kernel, pid, control);
    if (bytes === undefined) return reports;
    reports.push(parseReport(bytes));
  }
}

function waitSoon(kernel: Kernel, pid: number): ExitStatus {
  using process = new OwnedFd(kernel, kernel.call("pidfd_open", pid, 0));
  pollSoon(kernel, pid, process);
  return waitForChild(kernel, pid, true) ?? { code: -1, signal: undefined };
}

const LIMIT_SECONDS = 10n;
const SIGKILL = 9;

/** Waits until there is something to read. @throws {Error} when there is nothing in time */
function pollSoon(kernel: Kernel, pid: number, fd: OwnedFd): void {
  const descriptor = new Int32Array([fd.number, POLL.POLLIN]);
  const ready = kernel.call("ppoll", descriptor, 1, BigInt64Array.of(LIMIT_SECONDS, 0n), 0, 8);
  if (ready > 0) return;
  kernel.call("kill", pid, SIGKILL);
  waitForChild(kernel, pid, true);
  throw new Error(`the program did not end in ${LIMIT_SECONDS} seconds`);
}

/** The next message; undefined at the end. @throws {Error} when there is none in time */
function receiveSoon(kernel: Kernel, pid: number, control: OwnedFd): Uint8Array | undefined {
  pollSoon(kernel, pid, control);
  const bytes = receive(kernel, control, new Uint8Array(REPORT_BYTES));
  return bytes.length === 0 ? undefined : bytes;
}

/** Kind of the messages that `tell()` sends. */
export const MESSAGE = 77;

/** For tests: two steps that send the value of a register (its low 32 bits) as a message. */
export function tell(name: string): readonly Step[] {
  return sendValue(register(name));
}

/** For tests: two steps that send a number as a message; they show that the program came here. */
export function mark(value: number): readonly Step[] {
  return sendValue(value);
}

function sendValue(value: Step["args"][number]): readonly Step[] {
  const message: Struct = { kind: "struct", bytes: Uint8Array.of(MESSAGE, 0, 0, 0, 0, 0, 0, 0), describe: () => "{}" };
  const field: Field = { kind: "field", of: message, at: 4, name: "value" };
  return [
    { call: "store", args: [field, value, 4], purpose: PURPOSE },
    { call: "sendto", args: [register(CONTROL), message, 8, 0x4000, 0, 0], purpose: PURPOSE },
  ];
}

/** For tests: the last step of a program that did all it had to. */
export const DONE: Step = { call: "exit_group", args: [0], purpose: PURPOSE };

/** For tests: the values of the messages of a program. */
export function valuesOf({ reports }: Outcome): readonly number[] {
  return reports.flatMap((report) => (report.kind === "message" ? [report.value] : []));
}

/** For tests: the refusal a program ended in; undefined when there was none. */
export function failureOf({ reports }: Outcome): Extract<Report, { kind: "failure" }> | undefined {
  return reports.find((report) => report.kind === "failure");
}
