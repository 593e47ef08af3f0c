import { launchExecutor, sendPart } from "../linux/executor.ts";
import type { OwnedFd } from "../linux/fd.ts";
import { standardStreams } from "../linux/files.ts";
import type { Kernel } from "../linux/kernel.ts";
import { pidInside } from "../linux/procfs.ts";
import { listenIn, socketPair } from "../linux/socket.ts";
import { ignoredResources } from "../plan/cgroup/ignored.ts";
import { compileInit, compileRuntime, compileSetup, type Plan, planSteps } from "../plan/compile.ts";
import { encode, presetRegister } from "../plan/encode.ts";
import type { Host } from "../plan/host.ts";
import { hasOwn } from "../plan/namespaces.ts";
import { START_LISTENER } from "../plan/process.ts";
import { type ResctrlGroup, resctrlGroup } from "../plan/resctrl.ts";
import { CONTROL, PROGRAM, type RuntimeStep, type Step } from "../plan/step.ts";
import { CONSOLE_SOCKET } from "../plan/terminal.ts";
import type { Config, Hooks } from "../spec/config.ts";
import type { Bundle } from "./bundle.ts";
import { checkMemory, refuseUsedCgroups } from "./cgroup-checks.ts";
import { recordCgroups } from "./cgroup-path.ts";
import {
  type CgroupRecord,
  type ContainerRecord,
  makeContainerDirectory,
  removeContainerDirectory,
  START_SOCKET,
  writeConfig,
  writeRecord,
} from "./container-store.ts";
import { DEBUG } from "./debug-words.ts";
import { destroy } from "./destroy.ts";
import { awaitInit, type CreatedContainer, findInit, followProgram, type Progress } from "./follow-program.ts";
import { gatherHost } from "./host.ts";
import type { CreateRequest, RuntimeOptions, Stdio } from "./options.ts";
import { runRuntimeStep } from "./runtime-step.ts";
import type { ContainerScope } from "./scope.ts";
import { loadFilter, openListener } from "./seccomp-cache.ts";
import { awaitChild } from "./waits.ts";

/** What a caller of createContainer() may add. */
export interface CreateSeams {
  /** The socket that takes the terminal. */
  readonly console?: OwnedFd | undefined;
  readonly stdio?: Stdio | undefined;
  /** The caller stays, and goes on to use the standard streams it hands on. */
  readonly foreground?: boolean;
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
  { console, stdio, meanwhile, foreground = false }: CreateSeams = {},
): Promise<CreatedContainer> {
  const { kernel } = options;
  const { id } = request;
  const { rootfs } = bundle;
  const config = await withRequested(options, bundle.config, request);
  using scope = options.systemdCgroup ? await (await import("./scope.ts")).openScope(options, config, id) : undefined;
  const host = gatherHost(options, config, {
    id,
    rootfs,
    foreground,
    noPivot: request.noPivot,
    stdio,
    nofile: options.nofile,
    scope,
  });
  options.mark?.("gather host facts");
  const plan = { ...request, rootfs, initPid: 1 };
  const compiler: Compiler = {
    config,
    host,
    setup: compileSetup(config, host, plan),
    compileInit: (initPid) => {
      writeConfig(options, id, bundle.text);
      const { seccomp } = config.linux ?? {};
      const filter = seccomp === undefined ? undefined : loadFilter(options, seccomp, bundle.exact);
      return compileInit(config, host, { ...plan, initPid, filter });
    },
  };
  options.mark?.("compile first part");
  const cgroups = { ...recordCgroups(host.cgroups), ...(scope === undefined ? {} : { scope: scope.record }) };
  for (const ignored of ignoredResources(config.linux?.resources ?? {}, cgroups.mode)) options.warn(ignored);
  using directory = await makeContainerDirectory(options, id);
  const resctrl = resctrlGroup(config.linux ?? {}, host.resctrl, id);
  const record = newRecord(kernel, { id, bundle, cgroups, resctrl, stdio });
  if (cgroups.directories.length === 0 && !record.ownPidNamespace) options.warn(CANNOT_KILL);
  using listener = await openListener(kernel, config.linux?.seccomp);
  const progress: Progress = { record, listener, process: config.process };
  try {
    refuseUsedCgroups(kernel, cgroups);
    checkMemory(kernel, cgroups, config.linux?.resources ?? {});
  } catch (error) {
    // Nothing is made yet but the directory, and the processes are not ours to kill.
    removeContainerDirectory(options, id);
    throw error;
  }
  try {
    // Written before anything is made: whoever ends this process now leaves a record of all there is to remove.
    writeRecord(options, record);
    if (isProxied(request, bundle.config)) (await import("./notify-socket.ts")).makeNotifyDirectory(options, id);
    options.mark?.("write record");
    return await runProgram(options, request, compiler, { directory, scope, console, stdio, meanwhile }, progress);
  } catch (error) {
    await destroy(options, progress.record);
    const { withHint } = await import("./refusal-hint.ts");
    throw withHint(kernel, { config, host, bundle: bundle.path }, error);
  }
}

export interface NewContainer {
  readonly id: string;
  readonly bundle: Bundle;
  readonly cgroups: CgroupRecord;
  readonly resctrl: ResctrlGroup | undefined;
  /** Those of its program, when they are not this process's own. */
  readonly stdio: Stdio | undefined;
}

/** What is known of a container before anything of it is made. */
export function newRecord(kernel: Kernel, { id, bundle, cgroups, resctrl, stdio }: NewContainer): ContainerRecord {
  const { config } = bundle;
  return {
    ociVersion: config.ociVersion,
    id,
    bundle: bundle.path,
    rootfs: bundle.rootfs,
    created: new Date().toISOString(),
    ...(config.annotations === undefined ? {} : { annotations: config.annotations }),
    program: config.process?.args?.[0] ?? "",
    namespaces: (config.linux?.namespaces ?? []).map(({ type }) => type),
    ownPidNamespace: hasOwn(config.linux?.namespaces ?? [], "pid"),
    cgroups,
    ...(resctrl === undefined ? {} : { resctrl }),
    ...(config.process?.terminal === true ? {} : { descriptors: standardStreams(kernel, stdio) }),
    ...lateHooks(config.hooks ?? {}),
  };
}
/** runc says the same. */
const CANNOT_KILL =
  "a container without a cgroup and without a pid namespace of its own cannot be killed as a whole: only its first process can";

/** The config with what the caller adds to it: variables, and the proxy of the service manager's socket. */
async function withRequested(options: RuntimeOptions, config: Config, request: CreateRequest): Promise<Config> {
  const { id, environment = [] } = request;
  const isNotified = isProxied(request, config);
  if (config.process === undefined || (environment.length === 0 && !isNotified)) return config;
  const { env = [] } = config.process;
  const listening = { ...config, process: { ...config.process, env: [...env, ...environment] } };
  if (!isNotified) return listening;
  const { mount, variable } = (await import("./notify-socket.ts")).notifyMount(options, id);
  return {
    ...listening,
    mounts: [...(config.mounts ?? []), mount],
    process: { ...listening.process, env: [...listening.process.env, variable] },
  };
}

/** Whether there is a service manager, a program to be ready, and a place of its own to bind the proxy to. */
function isProxied({ notifySocket }: CreateRequest, { process, linux }: Config): boolean {
  if (notifySocket === undefined || process === undefined) return false;
  return (linux?.namespaces ?? []).some(({ type }) => type === "mount");
}

/** The hooks that later commands run. */
function lateHooks({ poststart = [], poststop = [] }: Hooks): Pick<ContainerRecord, "hooks"> {
  return poststart.length + poststop.length === 0 ? {} : { hooks: { poststart, poststop } };
}

/** Starts the first part of the program, compiles the second one meanwhile, and follows both. */
async function runProgram(
  options: RuntimeOptions,
  request: CreateRequest,
  compiler: Compiler,
  seams: CreateSeams & { readonly directory: OwnedFd; readonly scope: ContainerScope | undefined },
  progress: Progress,
): Promise<CreatedContainer> {
  const { kernel } = options;
  const { directory, scope, console, stdio, meanwhile } = seams;
  const setup = encode(compiler.setup, kernel.architecture);
  const [control, remote] = socketPair(kernel);
  using _control = control;
  using _remote = remote;
  using listener = listenIn(kernel, directory, START_SOCKET);
  const names = [CONTROL, START_LISTENER, CONSOLE_SOCKET];
  const executor = launchExecutor(kernel, {
    inherit: console === undefined ? [remote, listener] : [remote, listener, console],
    preserveFds: request.preserveFds,
    stdio,
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
  options.mark?.("start executor");
  try {
    await scope?.start(executor.pid, control, progress);
    meanwhile?.();
    const plan = await completePlan(options, compiler, control, progress);
    options.mark?.("compile second part");
    options.debug(`${DEBUG.setup}: ${request.id} by a program of ${planSteps(plan).length} steps`);
    const part = encode(plan.init, kernel.architecture, setup);
    sendPart(kernel, executor, control, part.image, part.offset);
    options.mark?.("send second part");
    return await followProgram(options, plan, compiler.config.hooks ?? {}, control, progress);
  } catch (error) {
    await awaitChild(options, executor.pid);
    findInit(options, control, progress);
    throw error;
  } finally {
    // It ends by itself when init is born or when a step is refused; a zombie of it would stay with our caller.
    await awaitChild(options, executor.pid);
  }
}

/** The parts of a plan, of which the first one is under way when the others are compiled. */
interface Compiler {
  readonly config: Config;
  readonly host: Host;
  readonly setup: readonly Step[];
  readonly compileInit: (initPid: number) => readonly Step[];
}

/** Compiles the rest of the plan, and does what is the runtime's part in it; for that, init may have to be born first. */
async function completePlan(
  options: RuntimeOptions,
  compiler: Compiler,
  control: OwnedFd,
  progress: Progress,
): Promise<Plan> {
  const { config, host, setup } = compiler;
  const { createContainer: atCreate = [], startContainer: atStart = [] } = config.hooks ?? {};
  const tellsPid = atCreate.length + atStart.length > 0 && !progress.record.ownPidNamespace;
  const partial: Plan = { setup, runtime: compileRuntime(config, host, "PID"), init: [] };
  // Devices are moved later, when init asks for them.
  const isDue = ({ call }: RuntimeStep) => call !== "moveDevice";
  if (!partial.runtime.some(isDue) && !tellsPid) return { ...partial, init: compiler.compileInit(1) };
  const pid = await awaitInit(options, partial, control, progress);
  const runtime = compileRuntime(config, host, pid);
  for (const step of runtime.filter(isDue)) await runRuntimeStep(options.kernel, step);
  return { setup, runtime, init: compiler.compileInit(tellsPid ? pidInside(options.kernel, pid) : 1) };
}
