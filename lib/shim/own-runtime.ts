import { ContainerError } from "../errors.ts";
import { type Bundle, loadBundle } from "../runtime/bundle.ts";
import { statusOf } from "../runtime/container-status.ts";
import { type ContainerRecord, findRecord, readRecord } from "../runtime/container-store.ts";
import { controllerDirectories } from "../runtime/controllers.ts";
import { createContainer } from "../runtime/create-container.ts";
import { deleteContainer } from "../runtime/delete.ts";
import { startExec } from "../runtime/exec.ts";
import { kill } from "../runtime/kill.ts";
import type { RuntimeOptions } from "../runtime/options.ts";
import { pause, resume } from "../runtime/pause.ts";
import { listContainerPids } from "../runtime/processes.ts";
import { start } from "../runtime/start.ts";
import { update } from "../runtime/update.ts";
import type { Process } from "../spec/config.ts";
import type { LinuxResources } from "../spec/resources.ts";
import type { Status } from "../spec/state.ts";
import type { Machine } from "./machine.ts";
import type { TaskOptions } from "./options.ts";
import type {
  CgroupPlaces,
  CheckpointRequest,
  CreatedInit,
  GivenStdio,
  RestoreRequest,
  TaskRuntime,
} from "./runtime.ts";

/** The container that is driven. */
export interface OwnTask {
  readonly id: string;
  readonly bundle: string;
  readonly options: TaskOptions;
}

/** lib/runtime, driven in this process. */
export class OwnRuntime implements TaskRuntime {
  readonly #options: RuntimeOptions;
  readonly #id: string;
  readonly #bundle: string;
  readonly #task: TaskOptions;
  readonly #environment: Machine["environment"];
  #record: ContainerRecord | undefined;

  constructor(options: RuntimeOptions, task: OwnTask, environment: Machine["environment"]) {
    this.#options = options;
    this.#id = task.id;
    this.#bundle = task.bundle;
    this.#task = task.options;
    this.#environment = environment;
  }

  async create({ fds, console }: GivenStdio): Promise<CreatedInit> {
    const bundle = this.#loadBundle(console);
    const request = {
      id: this.#id,
      bundle: this.#bundle,
      noPivot: this.#task.noPivotRoot,
      noNewKeyring: this.#task.noNewKeyring,
      preserveFds: 0,
    };
    const { record, initPid } = await createContainer(this.#options, request, bundle, { console, stdio: fds });
    this.#record = record;
    return { pid: initPid, ownPidNamespace: record.ownPidNamespace };
  }

  /** @throws {ContainerError} also for a terminal that only one of bundle and request knows of */
  #loadBundle(console: GivenStdio["console"]): Bundle {
    const bundle = loadBundle(this.#options.kernel, this.#bundle);
    for (const warning of bundle.warnings) this.#options.warn(warning);
    if ((bundle.config.process?.terminal === true) === (console !== undefined)) return bundle;
    const why = "process.terminal of its config.json is not what the request says";
    throw new ContainerError("invalid_argument", `cannot create the container: ${why}`);
  }

  async start(): Promise<void> {
    await start(this.#options, this.#id);
  }

  async restore({ imagePath, workPath }: RestoreRequest, { fds, console }: GivenStdio): Promise<CreatedInit> {
    const { restoreContainer, sendMaster } = await import("../runtime/criu/restore.ts");
    const { kernel } = this.#options;
    const source = {
      ...NO_CRIU_OPTIONS,
      id: this.#id,
      imagePath,
      workPath: this.#task.criuWorkPath || workPath,
      detach: true,
      pidFile: undefined,
      lsmProfile: undefined,
      lsmMountContext: undefined,
      environment: this.#environment,
    };
    const record = await restoreContainer(this.#options, source, this.#loadBundle(console), {
      stdio: fds,
      takeTerminal: (master) => sendMaster(kernel, console, master),
    });
    this.#record = record;
    return { pid: record.init?.pid ?? 0, ownPidNamespace: record.ownPidNamespace };
  }

  async adopt(): Promise<Status> {
    this.#record = readRecord(this.#options, this.#id);
    return await Promise.resolve(statusOf(this.#options, this.#record));
  }

  async exec(process: Process, { fds, console }: GivenStdio): Promise<number> {
    const request = { ...NO_EXEC_OPTIONS, id: this.#id, tty: process.terminal === true };
    return await startExec(this.#options, request, process, { console, stdio: fds });
  }

  async kill(signal: number, all: boolean): Promise<void> {
    await Promise.resolve();
    kill(this.#options, this.#id, signal, { all });
  }

  async pause(): Promise<void> {
    await pause(this.#options, this.#id);
  }

  async resume(): Promise<void> {
    await resume(this.#options, this.#id);
  }

  async update(resources: LinuxResources): Promise<void> {
    await update(this.#options, this.#id, resources);
  }

  async checkpoint(request: CheckpointRequest): Promise<void> {
    const { checkpoint } = await import("../runtime/criu/checkpoint.ts");
    await checkpoint(this.#options, {
      id: this.#id,
      imagePath: request.imagePath,
      workPath: this.#task.criuWorkPath || request.workPath,
      leaveRunning: !request.exit,
      tcpEstablished: request.openTcp,
      extUnixSk: request.externalUnixSockets,
      shellJob: request.terminal,
      fileLocks: request.fileLocks,
      emptyNs: request.emptyNamespaces,
      parentPath: undefined,
      preDump: false,
      pageServer: undefined,
      statusFd: undefined,
      linkRemap: false,
      tcpSkipInFlight: false,
      manageCgroupsMode: undefined,
      autoDedup: false,
      lazyPages: false,
      environment: this.#environment,
    });
  }

  async pids(): Promise<readonly number[]> {
    return await Promise.resolve(listContainerPids(this.#options, this.#id));
  }

  async delete(): Promise<void> {
    await deleteContainer(this.#options, this.#id, { force: true });
  }

  cgroups(): CgroupPlaces | undefined {
    this.#record ??= findRecord(this.#options, this.#id);
    if (this.#record === undefined) return undefined;
    const { cgroups } = this.#record;
    return { mode: cgroups.mode, directories: controllerDirectories(this.#options.kernel, cgroups) };
  }
}

/** What containerd's clients cannot ask for when they restore. */
const NO_CRIU_OPTIONS = {
  tcpEstablished: false,
  extUnixSk: false,
  shellJob: false,
  fileLocks: false,
  manageCgroupsMode: undefined,
  emptyNs: [],
  autoDedup: false,
  lazyPages: false,
} as const;

/** A request for `exec` of which the process itself says the rest. */
const NO_EXEC_OPTIONS = {
  args: [],
  env: [],
  additionalGids: [],
  capabilities: [],
  noNewPrivileges: false,
  detach: true,
  preserveFds: 0,
  ignorePaused: false,
  cgroups: [],
} as const;
