import type { Config, LinuxNamespace } from "../spec/config.ts";
import type { State, Status } from "../spec/state.ts";
import { compileBecome } from "./become.ts";
import { compileCgroups, compileLateLimits } from "./cgroup/compile.ts";
import { compileDelegation } from "./cgroup/delegate.ts";
import { compileDevices, planDevices } from "./devices.ts";
import { compileMakeCwd } from "./executable.ts";
import { compileFork, openBirthplace, unshareMounts, unshareRest } from "./fork.ts";
import { awaitRuntimeHooks, compileInitHooks } from "./hooks.ts";
import { type Host, isOrdinaryUser, type Request } from "./host.ts";
import { isIdmapped } from "./idmap.ts";
import { openForLabels, refuseLabels, withKeyLabel } from "./labels.ts";
import { mountLabelOf } from "./mount-label.ts";
import { compileLateReadonly, compileMount, planMounts, refuseUnsafe } from "./mounts.ts";
import { compileJoins, hasOwn } from "./namespaces.ts";
import { awaitNetDevices, compileNetDevices } from "./net-devices.ts";
import { compileLoopback } from "./network.ts";
import { compileMaskedPaths, compileReadonlyPaths } from "./paths.ts";
import {
  awaitStart,
  closeOpened,
  compileDescriptors,
  compileHardening,
  compileKeyring,
  compileOomScore,
  compileSession,
  compileSignals,
  INIT_DESCRIPTORS,
  reopenNullStdio,
  tieDeath,
  tieToRuntime,
  withCallerUmask,
} from "./process.ts";
import { compileResctrl, refuseResctrl } from "./resctrl.ts";
import { compileRaisedLimits } from "./rlimits.ts";
import {
  compileMoveRoot,
  compilePivot,
  compileReadonlyRoot,
  compileRootfs,
  compileRootPropagation,
  enterForHooks,
  openRootfsPlace,
} from "./rootfs.ts";
import { refuseRootless } from "./rootless.ts";
import { awaitScope, type ScopeStep } from "./scope.ts";
import type { RuntimeStep, Step } from "./step.ts";
import { compileSysctl } from "./sysctl.ts";
import { compileTerminal } from "./terminal.ts";
import { compileOwnTimeNamespace, compileTimeNamespace } from "./time-namespace.ts";
import { refuseUnsupported } from "./unsupported.ts";
import { becomeRoot, compileMappings, hasUserNamespace, openForInit, openSources } from "./user-namespace.ts";
import { compileUts } from "./uts.ts";

/** What `create` runs: `setup` works in the host's namespaces and ends with the birth of `init`, which does the rest. */
export interface Plan {
  readonly setup: readonly Step[];
  /** What the runtime asks of systemd while setup waits. */
  readonly scope?: readonly ScopeStep[];
  /** What the runtime itself does while init waits for its part of the program. */
  readonly runtime: readonly RuntimeStep[];
  readonly init: readonly Step[];
}

/** Which process runs a step. */
export type PlanProcess = Exclude<keyof Plan, "scope">;

/** What stands for the pid of init where there is none yet. */
const SOME_PID = "PID";

/** What the runtime does for init from outside, by its directory in /proc. */
export function compileRuntime({ linux = {} }: Config, host: Host, pid: number | string): readonly RuntimeStep[] {
  const mappings = hasOwn(linux.namespaces ?? [], "user") ? compileMappings(linux, host, pid) : [];
  return [...mappings, ...compileNetDevices(linux, pid)];
}

/**
 * Compiles a config into the program that makes its container and waits for `start`.
 * @throws {ContainerError} when the config asks for what this host, or no host, can give
 */
export function compile(config: Config, host: Host, request: Request): Plan {
  return {
    setup: compileSetup(config, host, request),
    runtime: compileRuntime(config, host, SOME_PID),
    init: compileInit(config, host, request),
  };
}

/** All steps of the program, in its order; those of the runtime are not in it. */
export function planSteps(plan: Plan): readonly Step[] {
  return [...plan.setup, ...plan.init];
}

/** The first part of a plan; see compile(). */
export function compileSetup(config: Config, host: Host, request: Request): readonly Step[] {
  refuseUnsupported(config);
  refuseRootless(config, host);
  refuseLabels(config.process, config.linux?.mountLabel, host);
  refuseResctrl(config.linux?.intelRdt, host.resctrl);
  for (const mount of planMounts(config.mounts ?? [])) refuseUnsafe(mount);
  const { process, linux = {} } = config;
  const namespaces = linux.namespaces ?? [];
  return [
    ...compileDescriptors(INIT_DESCRIPTORS, request.preserveFds, process?.terminal === true),
    ...tieToRuntime(),
    ...compileSignals(host),
    ...(host.scope === undefined ? [] : awaitScope()),
    ...compileOomScore(process),
    ...compileCgroups(linux.resources ?? {}, host),
    ...compileResctrl(linux.intelRdt, host.resctrl, request.id),
    ...(isOrdinaryUser(host) ? [] : compileDelegation(config, host)),
    ...compilePrivileged(config, host, request),
    ...(process === undefined ? [] : openForLabels(process)),
    ...openBirthplace(host.cgroups),
    ...(mapsAsOrdinaryUser(namespaces, host) ? [tieDeath()] : compileHardening()),
    ...(isOrdinaryUser(host) ? [] : compileTimeNamespace(linux)),
    ...compileJoins(namespaces, host),
    ...compileFork(namespaces, host, compileLateLimits(linux.resources ?? {}, host)),
  ];
}

/** What takes the host's root, and is done before init gives that up. */
function compilePrivileged(config: Config, host: Host, request: Request): readonly Step[] {
  const { process, mounts = [], linux = {} } = config;
  if (host.rootless !== undefined) return [];
  if (!hasUserNamespace(linux.namespaces ?? []))
    return openSources(planMounts(mounts).filter(isIdmapped), linux, request);
  return [...compileRaisedLimits(process?.rlimits ?? []), ...compileOpening(config, request)];
}

/** The files that map ids belong to root when the process cannot be traced, and nobody else is in it yet. */
function mapsAsOrdinaryUser(namespaces: readonly LinuxNamespace[], host: Host): boolean {
  return isOrdinaryUser(host) && hasOwn(namespaces, "user");
}

/** Opens what init does not reach from the container: done by setup, or by init before it becomes somebody else. */
function compileOpening({ mounts = [], linux = {} }: Config, request: Request): readonly Step[] {
  const planned = planMounts(mounts);
  return openForInit({ mounts: planned, devices: planDevices(linux.devices ?? [], planned), linux }, request);
}

/**
 * What init does in its mount namespace while it is the caller still, who may go where the root of the user namespace
 * may not: it opens the place of the rootfs and, without the host's root, what only it may copy then.
 */
function compileEarlyOpening(config: Config, host: Host, request: Request): readonly Step[] {
  const namespaces = config.linux?.namespaces ?? [];
  if (!isOpenedBefore(namespaces, host) || !namespaces.some(({ type }) => type === "mount")) return [];
  return [
    ...unshareMounts(namespaces),
    openRootfsPlace(request),
    ...(host.rootless === undefined ? [] : compileOpening(config, request)),
  ];
}

/** Whether rootfs, sources and devices are opened before init begins to mount. */
function isOpenedBefore(namespaces: readonly LinuxNamespace[], host: Host): boolean {
  return hasUserNamespace(namespaces) || host.rootless !== undefined;
}

/** The second part of a plan; see compile(). */
export function compileInit(config: Config, host: Host, request: Request): readonly Step[] {
  const linux = config.linux ?? {};
  const namespaces = linux.namespaces ?? [];
  const isUser = hasUserNamespace(namespaces);
  return [
    ...(isOrdinaryUser(host) ? compileOwnTimeNamespace(linux) : []),
    ...compileHardening(),
    ...compileEarlyOpening(config, host, request),
    // A change of user takes back what ties it to the runtime.
    ...(isUser ? [...becomeRoot(linux, host, config.annotations), ...compileHardening()] : []),
    ...unshareRest(namespaces),
    compileSession(),
    ...(request.noNewKeyring ? [] : withKeyLabel(config.process?.selinuxLabel, compileKeyring(request.id, isUser))),
    ...(hasOwn(namespaces, "network") ? compileLoopback() : []),
    ...awaitNetDevices(linux),
    ...compileFilesystem(config, namespaces, host, request),
    ...compileUts(config),
    ...compileSysctl(linux.sysctl ?? {}, isOpenedBefore(namespaces, host)),
    ...compileRestrictions(config),
    ...compileProcess(config, host, request),
  ];
}

/** Everything up to the moment the process stands in its root. */
function compileFilesystem(
  config: Config,
  namespaces: readonly LinuxNamespace[],
  host: Host,
  request: Request,
): readonly Step[] {
  const linux = config.linux ?? {};
  const hasMountNamespace = namespaces.some(({ type }) => type === "mount");
  const mounts = planMounts(config.mounts ?? []);
  const isOpened = isOpenedBefore(namespaces, host);
  const ownCgroupNamespace = hasOwn(namespaces, "cgroup");
  const context = { host, request, ownCgroupNamespace, isOpened, label: mountLabelOf(config) };
  const process = config.process;
  const hooks = config.hooks ?? {};
  const createContainer = compileInitHooks("createContainer", hooks, { state: hookState(config, request, "creating") });
  const createHooks = createContainer.length === 0 ? [] : [enterForHooks(), ...withCallerUmask(createContainer)];
  return [
    ...compileRootfs(linux, host, request, { hasMounts: hasMountNamespace, isOpen: isOpened }),
    ...mounts.flatMap((mount) => compileMount(mount, context)),
    ...compileDevices(planDevices(linux.devices ?? [], mounts), mounts, isOpened),
    ...(process === undefined ? [] : compileMakeCwd(process)),
    ...awaitRuntimeHooks(hooks),
    ...createHooks,
    ...compileEnter(hasMountNamespace, host, request),
    ...compileRootPropagation(linux),
    ...(process?.terminal === true ? compileTerminal(process.consoleSize, true) : reopenNullStdio(host)),
    ...compileLateReadonly(mounts),
  ];
}

function compileEnter(hasMountNamespace: boolean, host: Host, request: Request): readonly Step[] {
  if (!hasMountNamespace || request.noPivot) return compileMoveRoot(hasMountNamespace, host.kernelMounts ?? []);
  return compilePivot();
}

/** What a hook of init reads: the state as the container sees it. */
function hookState({ ociVersion, annotations }: Config, { id, bundle, initPid }: Request, status: Status): string {
  const state: State = { ociVersion, id, status, pid: initPid, bundle, ...(annotations && { annotations }) };
  return JSON.stringify(state);
}

/** What takes away: after this nothing is made in the container any more. */
function compileRestrictions(config: Config): readonly Step[] {
  const linux = config.linux ?? {};
  return [
    ...compileReadonlyPaths(linux.readonlyPaths ?? []),
    ...compileMaskedPaths(linux.maskedPaths ?? []),
    ...(config.root.readonly === true ? compileReadonlyRoot() : []),
  ];
}

/** config.md § Process: what the program runs as, then the wait for `start`, then the program. */
function compileProcess(config: Config, host: Host, request: Request): readonly Step[] {
  const { process, linux = {} } = config;
  const wait = awaitStart(isOrdinaryUser(host));
  const closing = [closeOpened(request)];
  if (process === undefined) return [...closing, ...wait];
  const { filter } = request;
  const become = compileBecome(process, { linux, filter, annotations: config.annotations, closing }, host);
  // As with runc since 1.3: one that names no environment has the program's, beside which it runs.
  const context = { state: hookState(config, request, "created"), environment: become.environment };
  const hooks = compileInitHooks("startContainer", config.hooks ?? {}, context);
  return [...become.prepare, ...wait, ...become.execute(hooks)];
}
