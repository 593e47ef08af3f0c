import { ContainerError, explain } from "../errors.ts";
import { parseContainerId } from "../spec/container-id.ts";
import type { Adoption } from "./adopt-task.ts";
import { taskEvent } from "./events.ts";
import { isKnown } from "./launch.ts";
import { writeOptions } from "./options.ts";
import { mountRootfs, type RootfsMount, unmountRootfs } from "./rootfs.ts";
import { type GivenStdio, runtimeFailed, type TaskRuntime } from "./runtime.ts";
import { openStdio } from "./stdio/open.ts";
import { giveStdio } from "./stdio/owner.ts";
import type { Task } from "./task.ts";
import { assembleTask, type NewTask, type TaskFactory } from "./task-factory.ts";
import type { TaskProcess } from "./task-process.ts";

/** The tasks of one shim. */
export class Tasks {
  readonly #factory: TaskFactory;
  readonly #tasks = new Map<string, Task>();
  /** Tasks that are being made, by their ids. */
  readonly #reserved = new Map<string, Promise<unknown>>();
  /** Ids of tasks that are being deleted though nobody has asked for it. */
  readonly #deleting = new Set<string>();

  constructor(factory: TaskFactory) {
    this.#factory = factory;
  }

  /** Whether no task is there, nor is being made. */
  get isEmpty(): boolean {
    return this.#tasks.size === 0 && this.#reserved.size === 0;
  }

  /** Whether no process runs, and no task is being made. */
  get isAtRest(): boolean {
    return this.#reserved.size === 0 && [...this.#tasks.values()].every((task) => task.isAtRest);
  }

  /** Whether no task can be found by a supervisor that comes back. */
  get areLost(): boolean {
    return [...this.#tasks.values()].every((task) => this.#isLost(task));
  }

  find(id: string): Task | undefined {
    return this.#tasks.get(id);
  }

  /** A task that is there, or is being made and will be there. @throws {ContainerError} not_found */
  async await(id: string): Promise<Task> {
    await this.#reserved.get(id);
    return this.get(id);
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
    return await this.#reserve(id, this.#create(request));
  }

  async #create(request: NewTask): Promise<Task> {
    const task = await this.#make(request);
    const { id, bundle, rootfs, paths, checkpoint } = request;
    this.#tasks.set(id, task);
    task.keep();
    if (task.init.pid > 0) task.watchInit();
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
  }

  /** Takes over a task whose shim has ended. Idempotent. @throws {ContainerError}; then it is as it was */
  async adopt(request: Adoption): Promise<Task> {
    const { id } = request;
    parseContainerId(id);
    const known = this.#tasks.get(id);
    if (known !== undefined) return known;
    if (this.#reserved.has(id)) throw new ContainerError("already_exists", `task ${id} is being made`);
    return await this.#reserve(id, this.#adopt(request));
  }

  async #adopt(request: Adoption): Promise<Task> {
    const { adoptTask } = await import("./adopt-task.ts");
    const task = await adoptTask(this.#factory, request);
    this.#tasks.set(request.id, task);
    return task;
  }

  async #reserve(id: string, making: Promise<Task>): Promise<Task> {
    const ended = making.then(
      () => undefined,
      () => undefined,
    );
    this.#reserved.set(id, ended);
    try {
      return await making;
    } finally {
      this.#reserved.delete(id);
    }
  }

  async #make(request: NewTask): Promise<Task> {
    const { machine, namespace, warn } = this.#factory;
    const { id, bundle, rootfs, paths } = request;
    writeOptions(machine.kernel, bundle, request.options);
    await mountRootfs(machine, bundle, rootfs);
    try {
      const stdio = await openStdio(machine, paths, { containerId: id, namespace, isInit: true, warn });
      try {
        giveStdio(machine.kernel, stdio.fds, request.options);
        const runtime = await this.#factory.openRuntime(request);
        const task = assembleTask(this.#factory, request, { runtime, stdio });
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

  /** Begins to delete the tasks that nobody can find any more, but for those with a process that runs. */
  deleteLost(): void {
    for (const task of this.#tasks.values()) {
      const { id } = task.parts;
      if (!task.isAtRest || !this.#isLost(task) || this.#deleting.has(id)) continue;
      this.#deleting.add(id);
      this.delete(id)
        .catch((error: unknown) => this.#factory.warn(explain(error)))
        .finally(() => this.#deleting.delete(id));
    }
  }

  #isLost({ parts }: Task): boolean {
    return !isKnown(this.#factory.machine.kernel, parts.bundle);
  }
}

async function createContainer(runtime: TaskRuntime, stdio: GivenStdio) {
  try {
    return await runtime.create(stdio);
  } catch (error) {
    throw runtimeFailed("create", error);
  }
}
