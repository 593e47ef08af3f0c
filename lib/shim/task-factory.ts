import type { Machine } from "./machine.ts";
import type { TaskOptions } from "./options.ts";
import type { Publisher } from "./publisher.ts";
import type { RootfsMount } from "./rootfs.ts";
import type { TaskRuntime } from "./runtime.ts";
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

/** The container that a runtime is to drive. */
export type RuntimeTarget = Pick<NewTask, "id" | "bundle" | "options">;

/** What tasks are made with. */
export interface TaskFactory {
  readonly namespace: string;
  readonly machine: Machine;
  readonly publisher: Publisher;
  openRuntime(task: RuntimeTarget): Promise<TaskRuntime>;
  warn(message: string): void;
}

/** A task without a process yet. */
export function assembleTask(
  { machine, namespace, publisher, warn }: TaskFactory,
  { id, bundle, rootfs, paths, checkpoint }: Omit<NewTask, "options">,
  { runtime, stdio }: { readonly runtime: TaskRuntime; readonly stdio: ProcessStdio },
): Task {
  const init = new TaskProcess(id, paths, stdio);
  return new Task({ id, namespace, bundle, rootfs, machine, publisher, runtime, init, checkpoint, warn });
}
