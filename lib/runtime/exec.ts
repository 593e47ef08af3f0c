import { ContainerError } from "../errors.ts";
import { launchExecutor, parseReport, REPORT_BYTES, type Report } from "../linux/executor.ts";
import type { OwnedFd } from "../linux/fd.ts";
import { openDirectory, readText } from "../linux/files.ts";
import { isRunning } from "../linux/procfs.ts";
import { connectStream, receive, socketPair } from "../linux/socket.ts";
import type { PlanProcess } from "../plan/compile.ts";
import { encode, presetRegister } from "../plan/encode.ts";
import { compileExec, type ExecTarget, INIT_PROC } from "../plan/exec.ts";
import type { CgroupHost } from "../plan/host.ts";
import { MESSAGE_PID } from "../plan/messages.ts";
import { CONTROL, type Step } from "../plan/step.ts";
import { CONSOLE_SOCKET } from "../plan/terminal.ts";
import type { Process } from "../spec/config.ts";
import { statusOf } from "./container-status.ts";
import { type ContainerRecord, readContainerConfig, readRecord } from "./container-store.ts";
import { refuseConsoleSocket } from "./create.ts";
import { buildProcess, type ExecRequest } from "./exec-process.ts";
import { watchInit } from "./foreground.ts";
import { gatherHost } from "./host.ts";
import { openRelay } from "./open-relay.ts";
import type { RuntimeOptions, Stdio } from "./options.ts";
import { writePidFile } from "./pid-file.ts";
import { loadFilter } from "./seccomp-cache.ts";
import { stepError } from "./step-error.ts";
import type { TerminalRelay } from "./terminal-relay.ts";
import { awaitChild, awaitReadable } from "./waits.ts";

/**
 * Runs one more process in a running container. In the foreground waits for it and gives its status, 128+n after signal
 * n; detached gives 0 as soon as it runs.
 * @throws {ContainerError} failed_precondition for a container that does not run
 */
export async function exec(options: RuntimeOptions, request: ExecRequest): Promise<number> {
  const record = readRecord(options, request.id);
  const { config } = readContainerConfig(options, request.id);
  const process = buildProcess(options.kernel, config.process, request);
  using launch = prepareExec(options, record, { request, process });
  return request.detach ? await execDetached(options, launch) : await execInForeground(options, launch);
}

/** Runs a process in a running container for a caller that is its parent; gives its pid. @throws {ContainerError} */
export async function startExec(
  options: RuntimeOptions,
  request: ExecRequest,
  process: Process,
  { console, stdio }: { readonly console?: OwnedFd | undefined; readonly stdio: Stdio },
): Promise<number> {
  using launch = prepareExec(options, readRecord(options, request.id), { request, process, stdio });
  return await startProcess(options, launch, console);
}

interface WantedProcess {
  readonly request: ExecRequest;
  readonly process: Process;
  readonly stdio?: Stdio;
}

/** Compiles the program that adds a process. @throws {ContainerError} failed_precondition */
function prepareExec(
  options: RuntimeOptions,
  record: ContainerRecord,
  { request, process, stdio }: WantedProcess,
): ExecLaunch {
  const initPid = refuseUnlessRunning(options, record, request);
  const { config, exact } = readContainerConfig(options, request.id);
  const linux = config.linux ?? {};
  const host = gatherHost(options.kernel, config, {
    id: record.id,
    rootfs: record.rootfs,
    foreground: !request.detach,
    noPivot: false,
    stdio,
    nofile: options.nofile,
  });
  const target: ExecTarget = {
    id: record.id,
    namespaces: record.namespaces,
    rootfs: record.rootfs,
    cgroups: cgroupsOf(options, record, initPid, request.cgroups),
    linux,
    filter: linux.seccomp === undefined ? undefined : loadFilter(options, linux.seccomp, exact),
    preserveFds: request.preserveFds,
  };
  const steps = compileExec(process, target, host);
  options.debug(`exec in container ${record.id}: a program of ${steps.length} steps`);
  const initProc = openInit(options, record);
  return { request, process, steps, initProc, stdio, [Symbol.dispose]: () => initProc.close() };
}

/** All there is to start a process. */
interface ExecLaunch extends Disposable {
  readonly request: ExecRequest;
  readonly process: Process;
  readonly steps: readonly Step[];
  readonly initProc: OwnedFd;
  readonly stdio?: Stdio | undefined;
}

/** Init's directory in /proc, of which it is sure that it is init's. @throws {ContainerError} failed_precondition */
function openInit({ kernel }: RuntimeOptions, { init }: ContainerRecord): OwnedFd {
  if (init !== undefined) {
    using directory = openDirectory(kernel, `/proc/${init.pid}`);
    if (isRunning(kernel, init.pid, init.startTime)) return directory.move();
  }
  throw new ContainerError("failed_precondition", "cannot exec in a stopped container");
}

async function execDetached(options: RuntimeOptions, launch: ExecLaunch): Promise<number> {
  const { request, process } = launch;
  refuseConsoleSocket(request, process.terminal === true);
  const path = request.consoleSocket;
  using console = path === undefined ? undefined : connectStream(options.kernel, path);
  const pid = await startProcess(options, launch, console);
  if (request.pidFile !== undefined) writePidFile(options.kernel, request.pidFile, pid);
  return 0;
}

async function execInForeground(options: RuntimeOptions, launch: ExecLaunch): Promise<number> {
  const { kernel } = options;
  const { request, process } = launch;
  if (request.consoleSocket !== undefined) {
    throw new ContainerError("invalid_argument", "cannot use console socket if tsrun will not detach or allocate tty");
  }
  const watch = watchInit(kernel, { subreaper: false });
  let relay: TerminalRelay | undefined;
  try {
    const [near, far] = process.terminal === true ? socketPair(kernel) : [];
    using console = near;
    using remote = far;
    const pid = await startProcess(options, launch, remote);
    if (request.pidFile !== undefined) writePidFile(kernel, request.pidFile, pid);
    if (console !== undefined) relay = await openRelay(kernel, console);
    return await watch.wait(pid, () => relay?.resize());
  } finally {
    await relay?.stop();
    watch.close();
  }
}

/** Runs the program until its process has become what it is to be; gives its pid. @throws {SyscallError} */
async function startProcess(
  options: RuntimeOptions,
  { request, steps, initProc, stdio }: ExecLaunch,
  console: OwnedFd | undefined,
): Promise<number> {
  const { kernel } = options;
  const part = encode(steps, kernel.architecture);
  const [control, remote] = socketPair(kernel);
  using _control = control;
  using _remote = remote;
  const names = [CONTROL, INIT_PROC, CONSOLE_SOCKET];
  const executor = launchExecutor(kernel, {
    inherit: console === undefined ? [remote, initProc] : [remote, initProc, console],
    preserveFds: request.preserveFds,
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
  try {
    return await followUntilExecuted(options, steps, control);
  } finally {
    await awaitChild(options, executor.pid);
  }
}

/** execve(2) closes the program's end of the socket: its end is the news that the process runs. */
async function followUntilExecuted(options: RuntimeOptions, steps: readonly Step[], control: OwnedFd): Promise<number> {
  let pid: number | undefined;
  for (;;) {
    await awaitReadable(options, control);
    const bytes = receive(options.kernel, control, new Uint8Array(REPORT_BYTES));
    if (bytes.length === 0) break;
    const report = parseReport(bytes);
    if (report.kind === "failure") {
      if (pid !== undefined) await awaitChild(options, pid);
      throw refusalOf(steps, report, pid === undefined ? "setup" : "init");
    }
    if (report.message === MESSAGE_PID) pid = report.value;
  }
  if (pid !== undefined) return pid;
  throw new ContainerError("internal", "cannot start the process: it ended before it was complete");
}

function refusalOf(steps: readonly Step[], report: Extract<Report, { kind: "failure" }>, process: PlanProcess): Error {
  const step = steps[report.step];
  if (step === undefined) return new TypeError(`internal error: report of step ${report.step}`);
  return stepError(step, { ...report, process });
}

/** Engines look for these words. */
function refuseUnlessRunning(options: RuntimeOptions, record: ContainerRecord, request: ExecRequest): number {
  const status = statusOf(options, record);
  if (status === "paused" && !request.ignorePaused) {
    throw new ContainerError(
      "failed_precondition",
      "cannot exec in a paused container (use --ignore-paused to override)",
    );
  }
  if (record.init === undefined || status === "stopped" || status === "creating") {
    throw new ContainerError("failed_precondition", "cannot exec in a stopped container");
  }
  return record.init.pid;
}

/**
 * The directories the process joins: the container's, or one below. On v2 it is that of init, who may have moved: a
 * directory that passes controllers on takes no processes.
 */
function cgroupsOf(
  options: RuntimeOptions,
  { cgroups }: ContainerRecord,
  initPid: number,
  below: readonly string[],
): CgroupHost {
  const [path] = below;
  const suffix = path === undefined ? "" : `/${path.replace(/^[^:]*:/, "").replace(/^\/+/, "")}`;
  if (cgroups.mode === "v2") {
    const [own = ""] = cgroups.directories;
    const line = readText(options.kernel, `/proc/${initPid}/cgroup`).trim();
    const directory = suffix === "" ? `/sys/fs/cgroup${line.slice(line.lastIndexOf(":") + 1)}` : `${own}${suffix}`;
    return { mode: "v2", directory, mountPoint: "/sys/fs/cgroup", controllers: [] };
  }
  const { unified } = cgroups;
  const hierarchies = cgroups.directories
    .filter((directory) => directory !== unified)
    .map((directory) => ({ controllers: [], mountPoint: "", directory: `${directory}${suffix}` }));
  if (unified === undefined) return { mode: "v1", hierarchies };
  return { mode: "v1", hierarchies, unified: { directory: `${unified}${suffix}`, mountPoint: "" } };
}
