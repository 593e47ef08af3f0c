import { ContainerError, explain } from "../errors.ts";
import { parseContainerId } from "../spec/container-id.ts";
import { taskEvent } from "./events.ts";
import type { Machine } from "./machine.ts";
import { type TaskOptions, writeOptions } from "./options.ts";
import type { Publisher } from "./publisher.ts";
import { mountRootfs, type RootfsMount, unmountRootfs } from "./rootfs.ts";
import { criuWorkPath, type GivenStdio, runtimeFailed, type TaskRuntime } from "./runtime.ts";
import { openStdio } from "./stdio/open.ts";
import { giveStdio } from "./stdio/owner.ts";
import type { ProcessStdio } from "./stdio/process-stdio.ts";
import type { StdioPaths } from "./stdio/target.ts";
import { Task } from "./task.ts";
import { TaskProcess } from "./task-process.ts";

/** What `Create` asks for. */
export interface NewTask {
  readonly id: string;
  /** Absolute path. */
  readonly bundle: string;
  readonly rootfs: readonly RootfsMount[];
  readonly paths: StdioPaths;
  readonly options: TaskOptions;
  /** Absolute path of the images of a checkpoint, which it is restored from when it is started; "" for none. */
  readonly checkpoint: string;
}

/** What tasks are made with. */
export interface TaskFactory {
  readonly namespace: string;
  readonly machine: Machine;
  readonly publisher: Publisher;
  openRuntime(task: NewTask): Promise<TaskRuntime>;
  warn(message: string): void;
}

/** The tasks of one shim. */
export class Tasks {
  readonly #factory: TaskFactory;
  readonly #tasks = new Map<string, Task>();
  /** Ids of tasks that are being made. */
  readonly #reserved = new Set<string>();

  constructor(factory: TaskFactory) {
    this.#factory = factory;
  }

  /** Whether no task is there, nor is being made. */
  get isEmpty(): boolean {
    return this.#tasks.size === 0 && this.#reserved.size === 0;
  }

  find(id: string): Task | undefined {
    return this.#tasks.get(id);
  }

  /** @throws {ContainerError} not_found */
  get(id: string): Task {
    const task = this.#tasks.get(id);
    if (task !== undefined) return task;
    throw new ContainerError("not_found", `task ${id} not found`);
  }

  /** Makes a container whose process waits for `Start`, or is restored by it. @throws {ContainerError}; then nothing is left of it */
  async create(request: NewTask): Promise<Task> {
    const { id } = request;
    parseContainerId(id);
    if (this.#tasks.has(id) || this.#reserved.has(id)) {
      throw new ContainerError("already_exists", `task ${id} already exists`);
    }
    this.#reserved.add(id);
    try {
      const task = await this.#make(request);
      this.#tasks.set(id, task);
      if (task.init.pid > 0) task.watchInit();
      const { bundle, rootfs, paths, checkpoint } = request;
      const { terminal, ...io } = paths;
      this.#factory.publisher.publish(
        taskEvent("TaskCreate", {
          containerId: id,
          bundle,
          rootfs: [...rootfs],
          io: { ...io, terminal },
          checkpoint,
          pid: task.init.pid,
        }),
      );
      return task;
    } finally {
      this.#reserved.delete(id);
    }
  }

  async #make(request: NewTask): Promise<Task> {
    const { machine, namespace, warn } = this.#factory;
    const { id, bundle, rootfs, paths } = request;
    writeOptions(machine.kernel, bundle, request.options);
    mountRootfs(machine.kernel, bundle, rootfs);
    try {
      const stdio = await openStdio(machine, paths, { containerId: id, namespace, isInit: true, warn });
      try {
        giveStdio(machine.kernel, stdio.fds, request.options);
        const runtime = await this.#factory.openRuntime(request);
        const task = this.#assemble(request, runtime, stdio);
        if (request.checkpoint !== "") return task;
        const created = await createContainer(runtime, { fds: stdio.fds, console: stdio.console });
        try {
          task.adoptInit(created);
          return task;
        } catch (error) {
          await runtime.delete();
          throw error;
        }
      } catch (error) {
        await stdio.close();
        throw error;
      }
    } catch (error) {
      this.#unmount(bundle, rootfs);
      throw error;
    }
  }

  /** A task without a process yet. */
  #assemble({ id, bundle, rootfs, paths, checkpoint }: NewTask, runtime: TaskRuntime, stdio: ProcessStdio): Task {
    const { machine, namespace, publisher, warn } = this.#factory;
    const init = new TaskProcess(id, paths, stdio);
    const restore = checkpoint === "" ? undefined : { imagePath: checkpoint, workPath: criuWorkPath(bundle) };
    return new Task({ id, namespace, bundle, rootfs, machine, publisher, runtime, init, restore, warn });
  }

  /** After another failure, which is the one to be told. */
  #unmount(bundle: string, rootfs: readonly RootfsMount[]): void {
    try {
      unmountRootfs(this.#factory.machine.kernel, bundle, rootfs);
    } catch (error) {
      this.#factory.warn(explain(error));
    }
  }

  /** Removes a task that has ended, or was never started. @throws {ContainerError} */
  async delete(id: string): Promise<TaskProcess> {
    const task = this.get(id);
    const init = await task.delete();
    this.#tasks.delete(id);
    return init;
  }
}

async function createContainer(runtime: TaskRuntime, stdio: GivenStdio) {
  try {
    return await runtime.create(stdio);
  } catch (error) {
    throw runtimeFailed("create", error);
  }
}
