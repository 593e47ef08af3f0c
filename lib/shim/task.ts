import { ContainerError, explain } from "../errors.ts";
import { SIGNALS } from "../linux/constants/processes.ts";
import { readStat } from "../linux/procfs.ts";
import { sendSignal } from "../linux/signal.ts";
import type { Process } from "../spec/config.ts";
import type { LinuxResources } from "../spec/resources.ts";
import { taskEvent } from "./events.ts";
import type { Machine } from "./machine.ts";
import { type OomWatch, watchOom } from "./oom.ts";
import type { Publisher } from "./publisher.ts";
import { type RootfsMount, unmountRootfs } from "./rootfs.ts";
import {
  type CheckpointRequest,
  type CreatedInit,
  criuWorkPath,
  type GivenStdio,
  type RestoreRequest,
  runtimeFailed,
  type TaskRuntime,
} from "./runtime.ts";
import { DeferredStdio } from "./stdio/deferred.ts";
import { openStdio } from "./stdio/open.ts";
import type { StdioPaths } from "./stdio/target.ts";
import { type Exit, TaskProcess } from "./task-process.ts";
import {
  type ExecRecord,
  type ProcessRecord,
  removeTaskRecord,
  type TaskRecord,
  writeTaskRecord,
} from "./task-record.ts";
import { toTimestamp } from "./timestamp.ts";

/** What a task is made of. */
export interface TaskParts {
  readonly id: string;
  readonly namespace: string;
  readonly bundle: string;
  readonly rootfs: readonly RootfsMount[];
  readonly machine: Machine;
  readonly publisher: Publisher;
  readonly runtime: TaskRuntime;
  readonly init: TaskProcess;
  /** Absolute path of what its processes come from, when it is started; "" for a program. */
  readonly checkpoint: string;
  warn(message: string): void;
}

/** How long processes without a pid namespace may take to end after init. */
const REST_TIMEOUT_MS = 10_000;

/** One container with its processes, from the moment it is made until it is deleted. */
export class Task {
  readonly parts: TaskParts;
  readonly execs = new Map<string, TaskProcess>();
  readonly #execSpecs = new Map<string, Process>();
  #ownPidNamespace = true;
  #oom: OomWatch | undefined;
  /** What is to be restored yet. */
  #restore: RestoreRequest | undefined;
  #isBeingRestored = false;
  #isGone = false;
  isPaused = false;

  constructor(parts: TaskParts) {
    this.parts = parts;
    const { bundle, checkpoint } = parts;
    if (checkpoint !== "") this.#restore = { imagePath: checkpoint, workPath: criuWorkPath(bundle) };
  }

  get init(): TaskProcess {
    return this.parts.init;
  }

  /** Whether no process of it runs; one that was never started only waits. */
  get isAtRest(): boolean {
    const isRunning = [this.init, ...this.execs.values()].some(({ status }) => status === "running");
    return !isRunning && !this.#isBeingRestored;
  }

  /** The container's first process is there. @throws {ContainerError} when its terminal or its counters cannot be had */
  adoptInit({ pid, ownPidNamespace }: CreatedInit, startTime?: number): void {
    const { id, init, runtime, publisher, machine } = this.parts;
    init.pid = pid;
    init.startTime = startTime ?? readStat(machine.kernel, pid)?.startTime ?? 0;
    this.#ownPidNamespace = ownPidNamespace;
    init.stdio.attach();
    const places = runtime.cgroups();
    const onOom = () => publisher.publish(taskEvent("TaskOOM", { containerId: id }));
    if (places !== undefined) this.#oom = watchOom(machine.kernel, places, onOom);
  }

  /** Follows init to its end. The machine must be told of a child in the turn in which it is made. */
  watchInit(exited: Promise<Exit> = this.#childExit(this.init)): void {
    this.#run(this.#endInit(exited));
  }

  /** Follows an exec to its end. */
  watchExec(exec: TaskProcess, exited: Promise<Exit> = this.#childExit(exec)): void {
    exec.status = "running";
    this.#run(this.#endExec(exec, exited));
  }

  async #childExit({ pid }: TaskProcess): Promise<Exit> {
    const { code } = await this.parts.machine.children.exited(pid);
    return { status: code, atMs: Date.now() };
  }

  /** Goes on with an exec of the shim before this one; its events have been told. */
  adoptExec(exec: TaskProcess, spec: Process | undefined): void {
    this.execs.set(exec.id, exec);
    if (spec !== undefined) this.#execSpecs.set(exec.id, spec);
  }

  /** Writes down what another shim would have to know. That it cannot be written is no reason to have no task. */
  keep(): void {
    if (this.#isGone) return;
    const { bundle, machine, rootfs, checkpoint, warn } = this.parts;
    const record: TaskRecord = {
      // A message leaves out of JSON what has its default.
      rootfs: rootfs.map(({ type, source, target, options }) => ({ type, source, target, options })),
      ...{ ownPidNamespace: this.#ownPidNamespace, init: recordOf(this.init) },
      checkpoint: this.#restore === undefined ? "" : checkpoint,
      execs: [...this.execs.values()].map(
        (exec): ExecRecord => ({ id: exec.id, ...recordOf(exec), spec: this.#execSpecs.get(exec.id) }),
      ),
    };
    try {
      writeTaskRecord(machine.kernel, bundle, record);
    } catch (error) {
      warn(explain(error));
    }
  }

  /** The process with this exec id, or init for "". @throws {ContainerError} not_found */
  process(execId: string): TaskProcess {
    const found = execId === "" ? this.init : this.execs.get(execId);
    if (found !== undefined) return found;
    throw new ContainerError("not_found", `exec ${execId} of task ${this.parts.id} not found`);
  }

  /** Starts init or an exec; gives its pid. @throws {ContainerError} */
  async start(execId: string): Promise<number> {
    const target = this.process(execId);
    const work = execId === "" ? this.#startInit() : this.#startExec(target);
    target.starting = work.catch(() => undefined);
    return await work;
  }

  async #startInit(): Promise<number> {
    const { id, init, runtime, publisher } = this.parts;
    if (init.status !== "created") throw this.#cannot("start", `its process is ${init.status}`);
    if (this.#isBeingRestored) throw this.#cannot("start", "it is being restored");
    init.stdio.prepare();
    if (this.#restore === undefined) await runtime.start();
    else await this.#restoreInit(this.#restore);
    // It may have ended already: that is told after this.
    if (init.exit === undefined) init.status = "running";
    publisher.publish(taskEvent("TaskStart", { containerId: id, pid: init.pid }));
    return init.pid;
  }

  /** @throws {ContainerError}; then the task has ended, and nothing is left of the container */
  async #restoreInit(request: RestoreRequest): Promise<void> {
    const { init, runtime } = this.parts;
    this.#isBeingRestored = true;
    this.#restore = undefined;
    try {
      const created = await runtime.restore(request, { fds: init.stdio.fds, console: init.stdio.console });
      try {
        this.adoptInit(created);
      } catch (error) {
        await runtime.delete();
        throw error;
      }
      this.watchInit();
    } catch (error) {
      await init.stdio.close();
      init.end({ status: NOT_STARTED, atMs: Date.now() });
      throw runtimeFailed("restore", error);
    } finally {
      this.#isBeingRestored = false;
      this.keep();
    }
  }

  /** Registers an exec; nothing runs yet. @throws {ContainerError} already_exists, failed_precondition */
  addExec(execId: string, spec: Process, paths: StdioPaths): void {
    const { id, namespace, machine, publisher, init, warn } = this.parts;
    if (execId === "") throw new ContainerError("invalid_argument", "cannot add an exec: it has no id");
    if (this.execs.has(execId)) {
      throw new ContainerError("already_exists", `exec ${execId} of task ${id} already exists`);
    }
    if (init.status === "stopped") throw this.#cannot("add an exec to", "its process has ended");
    const owner = { containerId: id, namespace, isInit: false, warn };
    const stdio = new DeferredStdio(() => openStdio(machine, paths, owner));
    this.execs.set(execId, new TaskProcess(execId, paths, stdio));
    this.#execSpecs.set(execId, { ...spec, terminal: paths.terminal });
    this.keep();
    publisher.publish(taskEvent("TaskExecAdded", { containerId: id, execId }));
  }

  async #startExec(exec: TaskProcess): Promise<number> {
    const { id, runtime, publisher, machine, init } = this.parts;
    const spec = this.#execSpecs.get(exec.id);
    if (exec.status !== "created" || spec === undefined)
      throw this.#cannot("start an exec of", "it was started before");
    if (init.status !== "running") throw this.#cannot("start an exec of", `its process is ${init.status}`);
    this.#execSpecs.delete(exec.id);
    try {
      await exec.stdio.open?.();
      exec.stdio.prepare();
      exec.pid = await startExec(runtime, spec, { fds: exec.stdio.fds, console: exec.stdio.console });
      exec.startTime = readStat(machine.kernel, exec.pid)?.startTime ?? 0;
      exec.stdio.attach();
    } catch (error) {
      // One that cannot be talked to is of no use.
      if (exec.pid > 0) sendSignal(machine.kernel, exec.pid, SIGNALS.SIGKILL);
      // A process that never was has ended for those who wait for it; the client waits for the end of its outputs.
      await exec.stdio.close();
      exec.end({ status: NOT_STARTED, atMs: Date.now() });
      this.keep();
      throw error;
    }
    this.watchExec(exec);
    this.keep();
    publisher.publish(taskEvent("TaskExecStarted", { containerId: id, execId: exec.id, pid: exec.pid }));
    return exec.pid;
  }

  async #endExec(exec: TaskProcess, exited: Promise<Exit>): Promise<void> {
    const exit = await exited;
    await exec.starting;
    this.#tellExit(exec, exit);
  }

  async #endInit(exited: Promise<Exit>): Promise<void> {
    const { init, warn } = this.parts;
    const exit = await exited;
    await init.starting;
    try {
      // The container ends with its first process, whoever else is in it.
      if (!this.#ownPidNamespace) await this.parts.runtime.kill(SIGNALS.SIGKILL, true);
    } catch (error) {
      warn(`cannot end the other processes of ${this.parts.id}: ${error instanceof Error ? error.message : error}`);
    }
    await this.#awaitExecs();
    this.#oom?.check();
    this.#oom?.close();
    this.isPaused = false;
    this.#tellExit(init, exit);
  }

  /** The end of init is told when that of all others was. */
  async #awaitExecs(): Promise<void> {
    const running = [...this.execs.values()].filter(({ status }) => status === "running").map(({ ended }) => ended);
    let timer: Timer | undefined;
    const late = new Promise((resolve) => {
      timer = setTimeout(resolve, REST_TIMEOUT_MS);
    });
    await Promise.race([Promise.all(running), late]);
    clearTimeout(timer);
  }

  #tellExit(process: TaskProcess, exit: Exit): void {
    const { id, publisher } = this.parts;
    process.stdio.settle?.();
    process.end(exit);
    this.keep();
    publisher.publish(
      taskEvent("TaskExit", {
        containerId: id,
        id: process.id,
        pid: process.pid,
        exitStatus: exit.status,
        exitedAt: toTimestamp(exit.atMs),
      }),
    );
  }

  /** Signals init, all processes, or an exec. @throws {ContainerError} not_found `process already finished` */
  async kill(execId: string, signal: number, all: boolean): Promise<void> {
    const target = this.process(execId);
    if (target.status === "stopped") throw finished();
    if (execId !== "") {
      if (target.status === "created") throw this.#cannot("signal an exec of", "it was not started");
      if (!sendSignal(this.parts.machine.kernel, target.pid, signal)) throw finished();
      return;
    }
    try {
      await this.parts.runtime.kill(signal, all);
    } catch (error) {
      throw isGone(error) ? finished() : error;
    }
  }

  async pause(): Promise<void> {
    const { id, runtime, publisher } = this.parts;
    await runtime.pause();
    this.isPaused = true;
    publisher.publish(taskEvent("TaskPaused", { containerId: id }));
  }

  async resume(): Promise<void> {
    const { id, runtime, publisher } = this.parts;
    await runtime.resume();
    this.isPaused = false;
    publisher.publish(taskEvent("TaskResumed", { containerId: id }));
  }

  /** Writes the processes to image files in a directory. */
  async checkpoint(path: string, options: Omit<CheckpointRequest, "imagePath" | "workPath">): Promise<void> {
    const { id, bundle, runtime, publisher } = this.parts;
    await runtime.checkpoint({ ...options, imagePath: path, workPath: criuWorkPath(bundle) });
    publisher.publish(taskEvent("TaskCheckpointed", { containerId: id, checkpoint: path }));
  }

  async update(resources: LinuxResources): Promise<void> {
    await this.parts.runtime.update(resources);
  }

  /** Removes an exec that does not run. Returns how it ended. @throws {ContainerError} failed_precondition */
  async deleteExec(execId: string): Promise<TaskProcess> {
    const exec = this.process(execId);
    if (exec.status === "running") throw this.#cannot("delete an exec of", "it is running");
    this.execs.delete(execId);
    this.#execSpecs.delete(execId);
    this.keep();
    await exec.stdio.close();
    return exec;
  }

  /** Removes the container. Idempotent until it succeeds. @throws {ContainerError} failed_precondition */
  async delete(): Promise<TaskProcess> {
    const { id, bundle, rootfs, runtime, publisher, machine, init } = this.parts;
    if (this.isPaused) throw this.#cannot("delete", "it is paused");
    if (init.status === "running") throw this.#cannot("delete", "its process is running");
    if (this.#isBeingRestored) throw this.#cannot("delete", "it is being restored");
    await runtime.delete();
    // There is nothing any more that another shim could take over.
    this.#isGone = true;
    removeTaskRecord(machine.kernel, bundle);
    // A task that was never started ends here; one that was to be restored has no process to wait for.
    if (init.pid === 0) init.end({ status: 0, atMs: Date.now() });
    else if (init.status === "created") await init.ended;
    for (const exec of this.execs.values()) await exec.stdio.close();
    await init.stdio.close();
    unmountRootfs(machine.kernel, bundle, rootfs);
    const { exit = { status: 0, atMs: 0 } } = init;
    publisher.publish(
      taskEvent("TaskDelete", {
        containerId: id,
        id,
        pid: init.pid,
        exitStatus: exit.status,
        exitedAt: toTimestamp(exit.atMs),
      }),
    );
    return init;
  }

  #cannot(doing: string, why: string): ContainerError {
    return new ContainerError("failed_precondition", `cannot ${doing} task ${this.parts.id}: ${why}`);
  }

  #run(work: Promise<void>): void {
    work.catch((error: unknown) =>
      this.parts.warn(`${this.parts.id}: ${error instanceof Error ? error.stack : error}`),
    );
  }
}

function recordOf({ paths, pid, startTime, exit, stdio }: TaskProcess): ProcessRecord {
  return { paths, pid, startTime, exit, pipes: stdio.pipes };
}

/** What a shell gives for a program it cannot find, and containerd for an exec that did not start. */
const NOT_STARTED = 255;

/** runc's shim says so, and clients look for it. */
function finished(): ContainerError {
  return new ContainerError("not_found", "process already finished");
}

function isGone(error: unknown): boolean {
  return error instanceof ContainerError && (error.code === "failed_precondition" || error.code === "not_found");
}

async function startExec(runtime: TaskRuntime, spec: Process, stdio: GivenStdio): Promise<number> {
  try {
    return await runtime.exec(spec, stdio);
  } catch (error) {
    throw runtimeFailed("exec", error);
  }
}
