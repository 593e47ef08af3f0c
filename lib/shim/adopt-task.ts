import { ContainerError } from "../errors.ts";
import type { OwnedFd } from "../linux/fd.ts";
import { findExit, openProcess } from "../linux/pidfd.ts";
import { watchProcess } from "../runtime/watch-process.ts";
import { taskEvent } from "./events.ts";
import type { Machine } from "./machine.ts";
import { readOptions } from "./options.ts";
import { openAdopted, openNothing } from "./stdio/adopted.ts";
import { DeferredStdio } from "./stdio/deferred.ts";
import { openStdio } from "./stdio/open.ts";
import type { Task } from "./task.ts";
import { assembleTask, type TaskFactory } from "./task-factory.ts";
import { type Exit, TaskProcess } from "./task-process.ts";
import { type ExecRecord, findTaskRecord, type TaskRecord } from "./task-record.ts";

/** A task whose shim has ended. */
export interface Adoption {
  readonly id: string;
  /** Absolute path. */
  readonly bundle: string;
  /** The end of its first process, when somebody knows of it. */
  readonly exit: Exit | undefined;
  /** Everybody has been told of that end. */
  readonly isExitTold: boolean;
  /** Everybody has been told that it was started. */
  readonly isStartTold: boolean;
}

/** What containerd says of an end of which nobody knows how it was (UnknownExitStatus). */
const UNKNOWN = 255;

/**
 * Goes on with a task where the shim before this one has ended: by the record in its bundle, that of the runtime, and what
 * the kernel says of its processes. @throws {ContainerError} not_found, and those of the runtime; then it is as it was
 */
export async function adoptTask(factory: TaskFactory, adoption: Adoption): Promise<Task> {
  const { machine } = factory;
  const { id, bundle } = adoption;
  const record = findTaskRecord(machine.kernel, bundle);
  if (record === undefined) throw new ContainerError("not_found", `task ${id} was never made`);
  const { rootfs, checkpoint, init } = record;
  const runtime = await factory.openRuntime({ id, bundle, options: readOptions(machine.kernel, bundle) });
  const target = { id, bundle, rootfs, paths: init.paths, checkpoint };
  const owner = { containerId: id, namespace: factory.namespace, isInit: true, warn: factory.warn };
  if (checkpoint !== "") {
    const stdio = await openStdio(machine, init.paths, owner);
    return assembleTask(factory, target, { runtime, stdio });
  }
  using process = openProcess(machine.kernel, init.pid, init.startTime);
  const exit = process === undefined ? (init.exit ?? adoption.exit ?? unknownExit()) : init.exit;
  const status = exit === undefined ? await runtime.adopt(init.pid) : "stopped";
  const waiting = status === "created" ? process : undefined;
  const stdio = status === "stopped" ? openNothing() : await openAdopted(machine, init, { waiting, owner });
  const task = assembleTask(factory, target, { runtime, stdio });
  for (const exec of record.execs) await adoptExec(factory, task, exec);
  const isRunning = status === "running" || status === "paused";
  if (isRunning && !adoption.isStartTold) {
    factory.publisher.publish(taskEvent("TaskStart", { containerId: id, pid: init.pid }));
  }
  followInit(machine, task, { record, exit, process, isExitTold: adoption.isExitTold });
  if (isRunning) task.init.status = "running";
  task.isPaused = status === "paused";
  task.keep();
  return task;
}

interface Found {
  readonly record: TaskRecord;
  readonly exit: Exit | undefined;
  readonly process: OwnedFd | undefined;
  readonly isExitTold: boolean;
}

function followInit(machine: Machine, task: Task, { record, exit, process, isExitTold }: Found): void {
  const { ownPidNamespace, init } = record;
  task.adoptInit({ pid: init.pid, ownPidNamespace }, init.startTime);
  if (exit !== undefined && isExitTold) task.init.end(exit);
  else if (exit !== undefined) task.watchInit(Promise.resolve(exit));
  else if (process !== undefined) task.watchInit(awaitExit(machine, process.move(), init.pid));
}

/** An exec goes on, too; what it writes while there is no shim ends it. */
async function adoptExec(factory: TaskFactory, task: Task, record: ExecRecord): Promise<void> {
  const { machine } = factory;
  const { id, paths, pid, startTime, exit, spec } = record;
  using process = exit === undefined && pid > 0 ? openProcess(machine.kernel, pid, startTime) : undefined;
  const owner = { containerId: task.parts.id, namespace: factory.namespace, isInit: false, warn: factory.warn };
  const isWaiting = spec !== undefined && exit === undefined;
  const fresh = isWaiting ? new DeferredStdio(() => openStdio(machine, paths, owner)) : undefined;
  const old = async () =>
    process === undefined ? openNothing() : await openAdopted(machine, record, { waiting: undefined, owner });
  const exec = new TaskProcess(id, paths, fresh ?? (await old()));
  exec.pid = pid;
  exec.startTime = startTime;
  task.adoptExec(exec, fresh === undefined ? undefined : spec);
  if (fresh !== undefined) return;
  // It could not be started, or was about to be, or nobody waits for it any more.
  if (pid === 0) exec.end(exit ?? unknownExit());
  // It may have been told already: twice is better than never.
  else if (process === undefined) task.watchExec(exec, Promise.resolve(exit ?? unknownExit()));
  else task.watchExec(exec, awaitExit(machine, process.move(), pid));
}

function unknownExit(): Exit {
  return { status: UNKNOWN, atMs: Date.now() };
}

/** The end of a process that is no child of this one. */
async function awaitExit({ kernel, children }: Machine, process: OwnedFd, pid: number): Promise<Exit> {
  using _process = process;
  for (;;) {
    const ended = findExit(kernel, process, pid);
    if (ended !== undefined) return { status: ended.code, atMs: Date.now() };
    if (isGone(kernel, process)) return unknownExit();
    // The watcher can be killed, too: then there is another.
    const watcher = watchProcess(kernel, process);
    await children.exited(watcher.pid);
    watcher.stop();
  }
}

function isGone(kernel: Machine["kernel"], process: OwnedFd): boolean {
  return kernel.call("pidfd_send_signal", process.number, 0, 0, 0) < 0;
}
