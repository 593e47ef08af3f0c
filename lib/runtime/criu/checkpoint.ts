import { ContainerError } from "../../errors.ts";
import { OPEN } from "../../linux/constants/files.ts";
import type { OwnedFd } from "../../linux/fd.ts";
import { openDirectory, replaceFile } from "../../linux/files.ts";
import type { Kernel } from "../../linux/kernel.ts";
import { compileCriu } from "../../plan/criu.ts";
import { locateCgroups } from "../cgroup-path.ts";
import { statusOf } from "../container-status.ts";
import {
  type ContainerRecord,
  findRecord,
  hasDirectory,
  lockContainer,
  readContainerConfig,
  readRecord,
} from "../container-store.ts";
import { destroy } from "../destroy.ts";
import type { RuntimeOptions } from "../options.ts";
import { type Environment, findCriu, requireFeatures, runCriu } from "./client.ts";
import { mountsToDump, namespacesToDump } from "./external.ts";
import { isExternalFile, streamsToDump } from "./external-files.ts";
import { withLogEnd } from "./log-end.ts";
import type { CriuOptions } from "./messages.ts";
import { type CriuSettings, checkParentPath, commonOptions, logPath, makeCriuDirectories } from "./request.ts";

/** What `checkpoint` is asked for. */
export interface CheckpointRequest extends CriuSettings {
  readonly id: string;
  /** Relative to the images. */
  readonly parentPath: string | undefined;
  readonly preDump: boolean;
  readonly leaveRunning: boolean;
  readonly pageServer: { readonly address: string; readonly port: number } | undefined;
  /** A descriptor of this process that is written a zero byte when pages are served. */
  readonly statusFd: number | undefined;
  readonly linkRemap: boolean;
  readonly tcpSkipInFlight: boolean;
  readonly environment: Environment;
}

const LOG = "dump.log";
/** What the standard streams are: a JSON array, by which restore knows those that led out of the container. */
export const DESCRIPTORS = "descriptors.json";

/**
 * runc-checkpoint(8): writes the container's processes to image files. Unless it is to go on running it is deleted then;
 * after a failure it goes on as it was.
 * @throws {ContainerError} failed_precondition for a container that does not run; with the end of criu's log
 */
export async function checkpoint(options: RuntimeOptions, request: CheckpointRequest): Promise<void> {
  const { kernel } = options;
  const { parentPath, imagePath, workPath, preDump, statusFd } = request;
  using lock = await lockContainer(options, request.id);
  const record = readRecord(options, request.id);
  const initPid = refuseUnlessRunning(options, record);
  if (statusFd !== undefined) refuseUnwritable(kernel, statusFd);
  makeCriuDirectories(kernel, request, { images: true });
  if (parentPath !== undefined) checkParentPath(kernel, imagePath, parentPath);
  const streams = streamsToDump(kernel, initPid, record.descriptors ?? []);
  const opts = dumpOptions(options, request, record, { initPid, streams });
  const criu = await findCriu(options, request.environment);
  if (preDump) await requireFeatures(options, criu, { memTrack: true });
  if (request.lazyPages) await requireFeatures(options, criu, { lazyPages: true });
  if (!preDump) replaceFile(kernel, `${imagePath}/${DESCRIPTORS}`, JSON.stringify(streams), 0o600);
  using images = openDirectory(kernel, imagePath);
  using work = workPath === undefined ? undefined : openDirectory(kernel, workPath);
  try {
    await runCriu(options, {
      type: preDump ? "PRE_DUMP" : "DUMP",
      steps: compileCriu(criu),
      inherit: [],
      request: () => ({ opts: { ...opts, imagesDirFd: images.number, workDirFd: work?.number } }),
      onNotification: async ({ script }) => {
        if (script !== "status-ready") return;
        // From here criu serves pages for as long as somebody asks for them: others may want to end that.
        lock.close();
        if (statusFd !== undefined) tellReady(kernel, statusFd);
        await Promise.resolve();
      },
    });
  } catch (error) {
    throw withLogEnd(kernel, logPath(request, LOG), error);
  }
  if (!preDump && !request.leaveRunning) await destroySaved(options, record, lock);
}

/** Deletes the container that was saved, and not one that has been given its id meanwhile. */
async function destroySaved(options: RuntimeOptions, record: ContainerRecord, lock: OwnedFd): Promise<void> {
  lock.close();
  if (!hasDirectory(options, record.id)) return;
  using _lock = await lockContainer(options, record.id);
  const { init } = findRecord(options, record.id) ?? {};
  if (init?.pid === record.init?.pid && init?.startTime === record.init?.startTime) await destroy(options, record);
}

function dumpOptions(
  options: RuntimeOptions,
  request: CheckpointRequest,
  record: ContainerRecord,
  { initPid, streams }: { readonly initPid: number; readonly streams: readonly string[] },
): CriuOptions {
  const { kernel } = options;
  const { config } = readContainerConfig(options, record.id);
  const { parentPath, preDump } = request;
  const view = { root: `/proc/${initPid}/root`, prefix: "" };
  const cgroups = locateCgroups(kernel, config.linux?.cgroupsPath ?? "", record.id);
  return {
    ...commonOptions(config, request, LOG),
    pid: initPid,
    root: record.rootfs,
    leaveRunning: request.leaveRunning,
    freezeCgroup: record.cgroups.freezer,
    ...(parentPath === undefined ? {} : { parentImg: parentPath, trackMem: true }),
    ps: request.pageServer,
    linkRemap: request.linkRemap,
    tcpSkipInFlight: request.tcpSkipInFlight,
    external: [...namespacesToDump(kernel, config), ...new Set(streams.filter(isExternalFile))],
    extMnt: preDump ? [] : mountsToDump(kernel, config, cgroups, view),
  };
}

/** Engines look for these words. */
function refuseUnlessRunning(options: RuntimeOptions, record: ContainerRecord): number {
  const status = statusOf(options, record);
  if (record.init !== undefined && (status === "running" || status === "paused")) return record.init.pid;
  throw new ContainerError("failed_precondition", `Container cannot be checkpointed in ${status} state`);
}

const F_GETFL = 3;
/** The low two bits of the flags say how a file is open. */
const ACCESS_MODES = 4;

function refuseUnwritable(kernel: Kernel, fd: number): void {
  const fileFlags = kernel.call("fcntl", fd, F_GETFL, 0);
  const refuse = (why: string): never => {
    throw new ContainerError("invalid_argument", `invalid --status-fd argument ${fd}: ${why}`);
  };
  if (fileFlags < 0) refuse("bad file descriptor");
  if (fileFlags % ACCESS_MODES === OPEN.O_RDONLY) refuse("not writable");
}

function tellReady(kernel: Kernel, fd: number): void {
  kernel.call("write", fd, new Uint8Array(1), 1);
  kernel.call("close", fd);
}
