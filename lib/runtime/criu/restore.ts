import { ContainerError } from "../../errors.ts";
import { parseProcCgroup } from "../../linux/cgroup/detect.ts";
import type { OwnedFd } from "../../linux/fd.ts";
import { addressOf } from "../../linux/ffi.ts";
import { findText, isErrno, readText, removeEmptyDirectory } from "../../linux/files.ts";
import type { Kernel } from "../../linux/kernel.ts";
import { readStat } from "../../linux/procfs.ts";
import { connectStream, sendWithFd } from "../../linux/socket.ts";
import { CRIU_SOCKET, compileRestore } from "../../plan/criu.ts";
import type { CgroupHost, Host } from "../../plan/host.ts";
import { resctrlGroup } from "../../plan/resctrl.ts";
import { type Bundle, loadBundle } from "../bundle.ts";
import { refuseUsedCgroups } from "../cgroup-checks.ts";
import { recordCgroups } from "../cgroup-path.ts";
import { hookState } from "../container-status.ts";
import {
  type ContainerRecord,
  containerDirectory,
  makeContainerDirectory,
  removeContainerDirectory,
  writeConfig,
  writeRecord,
} from "../container-store.ts";
import { refuseConsoleSocket } from "../create.ts";
import { newRecord } from "../create-container.ts";
import { destroy } from "../destroy.ts";
import type { Progress } from "../follow-program.ts";
import { watchInit } from "../foreground.ts";
import { runHooks } from "../hooks.ts";
import { gatherHost } from "../host.ts";
import { startRelay } from "../open-relay.ts";
import type { RuntimeOptions, Stdio } from "../options.ts";
import { writePidFile } from "../pid-file.ts";
import type { TerminalRelay } from "../terminal-relay.ts";
import { DESCRIPTORS } from "./checkpoint.ts";
import { type Environment, findCriu, type Notification, requireFeatures, runCriu } from "./client.ts";
import { mountsToRestore, namespacesToRestore, type RestoredNamespaces } from "./external.ts";
import { isExternalStream } from "./external-files.ts";
import { withLogEnd } from "./log-end.ts";
import type { CriuOptions } from "./messages.ts";
import { type CriuSettings, commonOptions, logPath, makeCriuDirectories } from "./request.ts";

/** Where a container comes from, and what criu is to do with it. */
export interface RestoreSource extends CriuSettings {
  readonly id: string;
  /** Whoever restores it goes before it ends. */
  readonly detach: boolean;
  readonly pidFile: string | undefined;
  readonly lsmProfile: string | undefined;
  readonly lsmMountContext: string | undefined;
  readonly environment: Environment;
}

/** What `restore` is asked for. */
export interface RestoreRequest extends RestoreSource {
  readonly bundle: string;
  readonly consoleSocket: string | undefined;
  readonly noSubreaper: boolean;
}

/** What a caller of restoreContainer() adds. */
export interface RestoreSeams {
  /** The standard streams of criu, in place of those that led out of the container; this process's own by default. */
  readonly stdio?: Stdio | undefined;
  readonly takeTerminal: TakeTerminal;
}

const LOG = "restore.log";
/** Below the container's directory: where criu finds the rootfs. */
const ROOT = "criu-root";

/**
 * runc-restore(8): makes a container whose processes come from image files. In the foreground waits for its first
 * process, removes the container and gives its status; detached gives 0.
 * @throws {ContainerError} and leaves nothing behind; with the end of criu's log
 */
export async function restore(options: RuntimeOptions, request: RestoreRequest): Promise<number> {
  const bundle = loadBundle(options.kernel, request.bundle);
  for (const warning of bundle.warnings) options.warn(warning);
  const hasTerminal = bundle.config.process?.terminal === true;
  if (request.detach) refuseConsoleSocket(request, hasTerminal);
  else if (request.consoleSocket !== undefined) {
    throw new ContainerError("invalid_argument", "cannot use console socket if tsrun will not detach or allocate tty");
  }
  if (request.detach) {
    const path = request.consoleSocket;
    using console = path === undefined ? undefined : connectStream(options.kernel, path);
    await restoreContainer(options, request, bundle, {
      takeTerminal: (master) => sendMaster(options.kernel, console, master),
    });
    return 0;
  }
  return await restoreInForeground(options, request, bundle);
}

/** Passes a terminal on, if there is somebody for it. The name is what runc sends along. */
export function sendMaster(kernel: Kernel, console: OwnedFd | undefined, master: OwnedFd): Promise<void> {
  if (console === undefined) return Promise.resolve();
  const payload = new TextEncoder().encode("orphan-pts-master");
  sendWithFd(kernel, console, { payload, fd: master, doing: "send the terminal to the console socket" }, addressOf);
  return Promise.resolve();
}

async function restoreInForeground(options: RuntimeOptions, request: RestoreRequest, bundle: Bundle): Promise<number> {
  const watch = watchInit(options.kernel, { subreaper: !request.noSubreaper });
  let relay: TerminalRelay | undefined;
  try {
    const record = await restoreContainer(options, request, bundle, {
      takeTerminal: async (master) => {
        relay = await startRelay(options.kernel, master.move());
      },
    });
    const status = await watch.wait(record.init?.pid ?? 0, () => relay?.resize());
    await relay?.stop();
    relay = undefined;
    await destroy(options, record);
    return status;
  } finally {
    await relay?.stop();
    watch.close();
  }
}

type TakeTerminal = (master: OwnedFd) => Promise<void>;

/** Gives the container's record when its processes run again. @throws {ContainerError} and leaves nothing behind */
export async function restoreContainer(
  options: RuntimeOptions,
  request: RestoreSource,
  bundle: Bundle,
  { stdio, takeTerminal }: RestoreSeams,
): Promise<ContainerRecord> {
  const { kernel } = options;
  const { id } = request;
  const { config, rootfs } = bundle;
  using scope = options.systemdCgroup ? await (await import("../scope.ts")).openScope(options, config, id) : undefined;
  makeCriuDirectories(kernel, request, { images: false });
  const host = gatherHost(options, config, {
    id,
    rootfs,
    foreground: !request.detach,
    noPivot: false,
    stdio,
    nofile: options.nofile,
    scope,
  });
  const cgroups = { ...recordCgroups(host.cgroups), ...(scope === undefined ? {} : { scope: scope.record }) };
  const criu = await findCriu(options, request.environment);
  if (request.lazyPages) await requireFeatures(options, criu, { lazyPages: true });
  const namespaces = namespacesToRestore(kernel, config, CRIU_SOCKET + 1);
  using _inherited = closeAll(namespaces.inherit);
  const root = `${containerDirectory(options, id)}/${ROOT}`;
  const place = { id, rootfs, bundle: bundle.path, initPid: 1, noPivot: false, noNewKeyring: true, preserveFds: 0 };
  const { imagePath, workPath } = request;
  const directories = workPath === undefined ? [imagePath] : [imagePath, workPath];
  const inherited = namespaces.inherit.length;
  const steps = compileRestore(config, host, place, { ...criu, inherited, root, directories });
  const opts = restoreOptions(kernel, request, { bundle, host, namespaces, root });
  using _directory = await makeContainerDirectory(options, id);
  const resctrl = resctrlGroup(config.linux ?? {}, host.resctrl, id);
  const progress: Progress = { record: newRecord(kernel, { id, bundle, cgroups, resctrl, stdio }) };
  try {
    refuseUsedCgroups(kernel, cgroups);
  } catch (error) {
    removeContainerDirectory(options, id);
    throw error;
  }
  try {
    // Written before anything is made: whoever ends this process now leaves a record of all there is to remove.
    writeRecord(options, progress.record);
    writeConfig(options, id, bundle.text);
    await runCriu(options, {
      type: "RESTORE",
      steps,
      inherit: namespaces.inherit,
      stdio,
      onStart: async (pid, control) => await scope?.start(pid, control, progress),
      request: (pid, [images, work]) => ({
        opts: {
          ...opts(),
          imagesDirFd: images?.number,
          workDirFd: work?.number,
          cgRoot: cgroupRoots(kernel, pid, host.cgroups),
        },
      }),
      onNotification: async (notification) => await follow(options, { bundle, progress, takeTerminal }, notification),
    });
    removeEmptyDirectory(kernel, root);
    const { init } = progress.record;
    if (init === undefined) throw new ContainerError("internal", "cannot restore the container: criu told no pid");
    if (request.pidFile !== undefined) writePidFile(kernel, request.pidFile, init.pid);
    return progress.record;
  } catch (error) {
    const why = withLogEnd(kernel, logPath(request, LOG), error);
    await destroy(options, progress.record);
    throw why;
  }
}

interface RestoreContext {
  readonly bundle: Bundle;
  readonly host: Host;
  readonly namespaces: RestoredNamespaces;
  readonly root: string;
}

/** Asked for when the mount points have been made, which decide what the destinations lead to. */
function restoreOptions(kernel: Kernel, request: RestoreSource, context: RestoreContext): () => CriuOptions {
  const { bundle, host, namespaces, root } = context;
  const { config, rootfs } = bundle;
  const common = commonOptions(config, request, LOG);
  const streams = inheritedStreams(kernel, request.imagePath);
  return () => ({
    ...common,
    evasiveDevices: true,
    rstSibling: true,
    root,
    lsmProfile: request.lsmProfile,
    lsmMountContext: request.lsmMountContext,
    extMnt: mountsToRestore(kernel, config, host.cgroups, {
      view: { root: rootfs, prefix: rootfs },
      bundle: bundle.path,
    }),
    joinNs: namespaces.options.joinNs,
    inheritFd: [...(namespaces.options.inheritFd ?? []), ...streams],
  });
}

/** A pipe whose other end was outside, or a file that is, is replaced with the standard stream of this process that has its number. */
function inheritedStreams(kernel: Kernel, imagePath: string): NonNullable<CriuOptions["inheritFd"]> {
  const path = `${imagePath}/${DESCRIPTORS}`;
  return parseDescriptors(path, readDescriptors(kernel, path)).flatMap((key, fd) =>
    isExternalStream(key) ? [{ key, fd }] : [],
  );
}

function readDescriptors(kernel: Kernel, path: string): string {
  try {
    return readText(kernel, path);
  } catch (error) {
    if (!isErrno(error, "ENOENT")) throw error;
    throw noCheckpoint(error);
  }
}

function noCheckpoint(cause: unknown): ContainerError {
  return new ContainerError("not_found", "cannot restore: there is no complete checkpoint in --image-path", { cause });
}

const STANDARD_STREAMS = 3;

/** The file comes from wherever the images come from. @throws {ContainerError} invalid_argument */
function parseDescriptors(path: string, text: string): readonly string[] {
  const streams = parseJson(text);
  // Go writes null for a list of nothing.
  if (streams === null) return [];
  if (Array.isArray(streams) && streams.length <= STANDARD_STREAMS) {
    const texts = streams.filter((entry) => typeof entry === "string");
    if (texts.length === streams.length) return texts;
  }
  throw new ContainerError("invalid_argument", `${path}: must be an array of up to ${STANDARD_STREAMS} texts`);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/**
 * Where criu is to put what it restores: where it is itself. What a checkpoint says of the paths is of the container it
 * was made of, which had another id or another host.
 */
function cgroupRoots(kernel: Kernel, pid: number, cgroups: CgroupHost): NonNullable<CriuOptions["cgRoot"]> {
  const entries = parseProcCgroup(findText(kernel, `/proc/${pid}/cgroup`) ?? "");
  if (cgroups.mode === "v2")
    return entries.filter(({ controllers }) => controllers.length === 0).map(({ path }) => ({ path }));
  return entries.flatMap(({ controllers, path }) =>
    (controllers.length === 0 ? [""] : controllers).map((ctrl) => ({ ctrl, path })),
  );
}

interface Following {
  readonly bundle: Bundle;
  readonly progress: Progress;
  readonly takeTerminal: TakeTerminal;
}

async function follow(options: RuntimeOptions, following: Following, { script, pid, fd }: Notification): Promise<void> {
  const { bundle, progress, takeTerminal } = following;
  const { hooks = {} } = bundle.config;
  switch (script) {
    case "setup-namespaces": {
      const state = hookState(progress.record, pid, "creating");
      await runHooks("prestart", hooks.prestart, state);
      await runHooks("createRuntime", hooks.createRuntime, state);
      return;
    }
    case "post-restore": {
      const startTime = readStat(options.kernel, pid)?.startTime ?? 0;
      progress.record = { ...progress.record, init: { pid, startTime } };
      writeRecord(options, progress.record);
      return;
    }
    case "orphan-pts-master":
      if (fd !== undefined) await takeTerminal(fd);
      return;
    default:
      return;
  }
}

function closeAll(files: readonly OwnedFd[]): Disposable {
  return {
    [Symbol.dispose]: () => {
      for (const file of files) file.close();
    },
  };
}
