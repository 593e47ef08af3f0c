import { ContainerError } from "../errors.ts";
import { listProcesses } from "../linux/cgroup/directory.ts";
import { launchExecutor, parseReport, REPORT_BYTES, type Report, sendPart, waitForChild } from "../linux/executor.ts";
import type { OwnedFd } from "../linux/fd.ts";
import { exists, findText } from "../linux/files.ts";
import type { Kernel } from "../linux/kernel.ts";
import { readStat } from "../linux/procfs.ts";
import { listenIn, receive, socketPair } from "../linux/socket.ts";
import { compileInit, compileSetup, type Plan, planSteps } from "../plan/compile.ts";
import { encode, presetRegister } from "../plan/encode.ts";
import { MESSAGE_PID, MESSAGE_READY } from "../plan/messages.ts";
import { hasOwn } from "../plan/namespaces.ts";
import { START_LISTENER } from "../plan/process.ts";
import { CONTROL, PROGRAM, type Step } from "../plan/step.ts";
import { CONSOLE_SOCKET } from "../plan/terminal.ts";
import type { Bundle } from "./bundle.ts";
import { recordCgroups } from "./cgroup-path.ts";
import { type ContainerRecord, makeContainerDirectory, START_SOCKET, writeRecord } from "./container-store.ts";
import { destroy } from "./destroy.ts";
import { gatherHost } from "./host.ts";
import type { CreateRequest, RuntimeOptions } from "./options.ts";
import { stepError } from "./step-error.ts";

/** A container whose init waits for `start`. */
export interface CreatedContainer {
  readonly record: ContainerRecord;
  /** A child of this process, to be waited for or to be left to the next subreaper. */
  readonly initPid: number;
}

/** What a caller of createContainer() may add. */
export interface CreateSeams {
  /** The socket that takes the terminal. */
  readonly console?: OwnedFd | undefined;
  /** Runs while the first part of the program does. */
  readonly meanwhile?: (() => void) | undefined;
}

/**
 * Makes a container up to the point where its init waits for `start`; what a failure has made is removed again.
 * @throws {ContainerError} already_exists, and SyscallError for what the kernel refuses
 */
export async function createContainer(
  options: RuntimeOptions,
  request: CreateRequest,
  bundle: Bundle,
  { console, meanwhile }: CreateSeams = {},
): Promise<CreatedContainer> {
  const { kernel } = options;
  const { id } = request;
  const { config, rootfs } = bundle;
  const host = gatherHost(kernel, config, id, rootfs);
  const plan = { ...request, rootfs };
  const compiler: Compiler = {
    setup: compileSetup(config, host, plan),
    compileInit: () => compileInit(config, host, plan),
  };
  const cgroups = recordCgroups(host.cgroups);
  using directory = await makeContainerDirectory(options, id);
  const record: ContainerRecord = {
    ociVersion: config.ociVersion,
    id,
    bundle: bundle.path,
    rootfs,
    created: new Date().toISOString(),
    ...(config.annotations === undefined ? {} : { annotations: config.annotations }),
    program: config.process?.args?.[0] ?? "",
    ownPidNamespace: hasOwn(config.linux?.namespaces ?? [], "pid"),
    cgroups,
  };
  const progress: Progress = { record };
  try {
    refuseUsedCgroup(kernel, cgroups.directories);
    // Written before anything is made: whoever ends this process now leaves a record of all there is to remove.
    writeRecord(options, record);
    return runProgram(options, request, compiler, { directory, console, meanwhile }, progress);
  } catch (error) {
    await destroy(options, progress.record);
    throw error;
  }
}

/** What is known of a container while it is made. */
interface Progress {
  record: ContainerRecord;
}

/** Starts the first part of the program, compiles the second one meanwhile, and follows both. */
function runProgram(
  options: RuntimeOptions,
  request: CreateRequest,
  compiler: Compiler,
  seams: CreateSeams & { readonly directory: OwnedFd },
  progress: Progress,
): CreatedContainer {
  const { kernel } = options;
  const { directory, console, meanwhile } = seams;
  const setup = encode(compiler.setup, kernel.architecture);
  const [control, remote] = socketPair(kernel);
  using _control = control;
  using _remote = remote;
  using listener = listenIn(kernel, directory, START_SOCKET);
  const names = [CONTROL, START_LISTENER, CONSOLE_SOCKET];
  const executor = launchExecutor(kernel, {
    inherit: console === undefined ? [remote, listener] : [remote, listener, console],
    preserveFds: request.preserveFds,
    image: (numbers, program) => {
      names.forEach((name, index) => {
        presetRegister(setup, name, numbers[index] ?? -1);
      });
      presetRegister(setup, PROGRAM, program);
      return setup.image;
    },
  });
  using _program = executor.program;
  remote.close();
  try {
    meanwhile?.();
    const init = compiler.compileInit();
    const part = encode(init, kernel.architecture, setup);
    sendPart(kernel, executor, control, part.image, part.offset);
    return followProgram(options, { setup: compiler.setup, init }, control, progress);
  } finally {
    // It ends by itself when init is born or when a step is refused; a zombie of it would stay with our caller.
    waitForChild(kernel, executor.pid, true);
  }
}

/** The two parts of a plan, the second one to be compiled when the first one is under way. */
interface Compiler {
  readonly setup: readonly Step[];
  readonly compileInit: () => readonly Step[];
}

/** Reads the program's messages until the container is complete. @throws {SyscallError} for the refused step */
function followProgram(options: RuntimeOptions, plan: Plan, control: OwnedFd, progress: Progress): CreatedContainer {
  const buffer = new Uint8Array(REPORT_BYTES);
  for (;;) {
    const bytes = receive(options.kernel, control, buffer);
    if (bytes.length === 0) throw endedEarly(options, progress.record);
    const report = parseReport(bytes);
    if (report.kind === "failure") throw refusalOf(plan, report);
    const { init } = progress.record;
    if (report.message === MESSAGE_READY && init !== undefined) return { record: progress.record, initPid: init.pid };
    if (report.message === MESSAGE_PID) recordInit(options, progress, report.value);
  }
}

function refusalOf(plan: Plan, report: Extract<Report, { kind: "failure" }>): Error {
  const step = planSteps(plan)[report.step];
  if (step === undefined) return new TypeError(`internal error: report of step ${report.step}`);
  return stepError(step, { ...report, process: report.step < plan.setup.length ? "setup" : "init" });
}

function recordInit(options: RuntimeOptions, progress: Progress, pid: number): void {
  const startTime = readStat(options.kernel, pid)?.startTime ?? 0;
  progress.record = { ...progress.record, init: { pid, startTime } };
  writeRecord(options, progress.record);
}

/** Init, or the process before it, went away without a word: something killed it. */
function endedEarly(options: RuntimeOptions, record: ContainerRecord): ContainerError {
  const status = record.init === undefined ? undefined : waitForChild(options.kernel, record.init.pid, true);
  const how = status?.signal === undefined ? `exit status ${status?.code ?? "unknown"}` : `signal ${status.signal}`;
  const hint = wasOomKilled(options.kernel, record) ? ": container init was OOM-killed (memory limit too low?)" : "";
  return new ContainerError("internal", `cannot create the container: init ended with ${how}${hint}`);
}

function wasOomKilled(kernel: Kernel, { cgroups }: ContainerRecord): boolean {
  return cgroups.directories.some((directory) => {
    const file = cgroups.mode === "v2" ? `${directory}/memory.events` : `${directory}/memory.oom_control`;
    return /^oom_kill [1-9]/m.test(findText(kernel, file) ?? "");
  });
}

/** A limit of ours would hit, and a delete of ours would kill, processes that are somebody else's. */
function refuseUsedCgroup(kernel: Kernel, directories: readonly string[]): void {
  // A container has its directory in every hierarchy: what is not in the first one is nowhere.
  const [first] = directories;
  if (first === undefined || !exists(kernel, first)) return;
  for (const directory of directories) {
    const pids = listProcesses(kernel, directory);
    if (pids.length === 0) continue;
    const why = `${directory} holds ${pids.length} process(es): ${pids.slice(0, 10).join(", ")}`;
    throw new ContainerError("failed_precondition", `container's cgroup is not empty: ${why}`);
  }
}
