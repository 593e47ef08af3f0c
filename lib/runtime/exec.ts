import { ContainerError } from "../errors.ts";
import type { OwnedFd } from "../linux/fd.ts";
import { openDirectory } from "../linux/files.ts";
import { isRunning } from "../linux/procfs.ts";
import { connectStream, socketPair } from "../linux/socket.ts";
import { compileExec, type ExecTarget } from "../plan/exec.ts";
import type { Process } from "../spec/config.ts";
import { announce } from "./announce.ts";
import { hookState, statusOf } from "./container-status.ts";
import { type ContainerRecord, readContainerConfig, readRecord } from "./container-store.ts";
import { refuseConsoleSocket } from "./create.ts";
import { DEBUG } from "./debug-words.ts";
import { execCgroups } from "./exec-cgroups.ts";
import { buildProcess, type ExecRequest } from "./exec-process.ts";
import { watchInit } from "./foreground.ts";
import { gatherHost } from "./host.ts";
import { openRelay } from "./open-relay.ts";
import type { RuntimeOptions, Stdio } from "./options.ts";
import { loadFilter, openListener } from "./seccomp-cache.ts";
import { type ExecProgram, startProcess } from "./start-process.ts";
import type { TerminalRelay } from "./terminal-relay.ts";

/**
 * Runs one more process in a running container. In the foreground waits for it and gives its status, 128+n after signal
 * n; detached gives 0 as soon as it runs.
 * @throws {ContainerError} failed_precondition for a container that does not run
 */
export async function exec(options: RuntimeOptions, request: ExecRequest): Promise<number> {
  const record = readRecord(options, request.id);
  const { config } = readContainerConfig(options, request.id);
  const process = buildProcess(options, config.process, request);
  using launch = await prepareExec(options, record, { request, process });
  return request.detach ? await execDetached(options, launch) : await execInForeground(options, launch);
}

/** Runs a process in a running container for a caller that is its parent; gives its pid. @throws {ContainerError} */
export async function startExec(
  options: RuntimeOptions,
  request: ExecRequest,
  process: Process,
  { console, stdio }: { readonly console?: OwnedFd | undefined; readonly stdio: Stdio },
): Promise<number> {
  using launch = await prepareExec(options, readRecord(options, request.id), { request, process, stdio });
  return await startProcess(options, launch.program, console);
}

interface WantedProcess {
  readonly request: ExecRequest;
  readonly process: Process;
  readonly stdio?: Stdio;
}

/** Compiles the program that adds a process. @throws {ContainerError} failed_precondition */
async function prepareExec(
  options: RuntimeOptions,
  record: ContainerRecord,
  { request, process, stdio }: WantedProcess,
): Promise<ExecLaunch> {
  const initPid = refuseUnlessRunning(options, record, request);
  const { config, exact } = readContainerConfig(options, request.id);
  const linux = config.linux ?? {};
  const host = gatherHost(
    options,
    { ...config, process },
    {
      id: record.id,
      rootfs: record.rootfs,
      foreground: !request.detach,
      noPivot: false,
      stdio,
      nofile: options.nofile,
      ...(record.namespaces.includes("user") ? { setgroupsOf: initPid } : {}),
    },
  );
  options.mark?.("gather host facts");
  const { scope } = record.cgroups;
  const cgroups = execCgroups(options.kernel, record.cgroups, initPid, request.cgroups);
  const target: ExecTarget = {
    id: record.id,
    namespaces: record.namespaces,
    rootfs: record.rootfs,
    cgroups,
    isAttached: scope?.user === true,
    linux,
    annotations: record.annotations,
    filter: linux.seccomp === undefined ? undefined : loadFilter(options, linux.seccomp, exact),
    preserveFds: request.preserveFds,
    resctrl: record.resctrl?.tasks ?? [],
  };
  const steps = compileExec(process, target, host);
  options.mark?.("compile exec");
  options.debug(`${DEBUG.setup}: exec in ${record.id} by a program of ${steps.length} steps`);
  using open = new DisposableStack();
  const initProc = open.use(openInit(options, record));
  const listener = open.use(await openListener(options.kernel, linux.seccomp));
  const tell = (pid: number) => listener?.deliver(pid, hookState(record, initPid, "running"));
  const { preserveFds } = request;
  const onStart =
    scope?.user === true
      ? async (pid: number, control: OwnedFd) => {
          await (await import("./scope.ts")).attachToScope(options, record.cgroups, { cgroups, pid, control });
        }
      : undefined;
  const program = { process, steps, initProc, preserveFds, stdio, onStart, seccomp: listener && { listener, tell } };
  const kept = open.move();
  return { request, process, program, [Symbol.dispose]: () => kept.dispose() };
}

/** All there is to start a process. */
interface ExecLaunch extends Disposable {
  readonly request: ExecRequest;
  readonly process: Process;
  readonly program: ExecProgram;
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
  const { request, process, program } = launch;
  refuseConsoleSocket(request, process.terminal === true);
  const path = request.consoleSocket;
  using console = path === undefined ? undefined : connectStream(options.kernel, path);
  const pid = await startProcess(options, program, console);
  await announce(options, request, pid);
  return 0;
}

async function execInForeground(options: RuntimeOptions, launch: ExecLaunch): Promise<number> {
  const { kernel } = options;
  const { request, process, program } = launch;
  if (request.consoleSocket !== undefined) {
    throw new ContainerError("invalid_argument", "cannot use console socket if tsrun will not detach or allocate tty");
  }
  const watch = watchInit(kernel, { subreaper: false });
  let relay: TerminalRelay | undefined;
  try {
    const [near, far] = process.terminal === true ? socketPair(kernel) : [];
    using console = near;
    using remote = far;
    const pid = await startProcess(options, program, remote);
    await announce(options, request, pid);
    if (console !== undefined) relay = await openRelay(kernel, console);
    const status = await watch.wait(pid, () => relay?.resize());
    options.mark?.("wait for the program");
    return status;
  } finally {
    await relay?.stop();
    watch.close();
  }
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
