import { containerd, google } from "../../../proto/gen/daemon.js";
import { type CallContext, type GrpcService, type Method, unary } from "../../rpc/grpc/method.ts";
import { fromDescriptor, toDescriptor, toTyped } from "../messages.ts";
import { checkIdentifier } from "../names.ts";
import type { Store } from "../store.ts";
import { listMetrics, listProcesses, processOf } from "../tasks/queries.ts";
import type { TaskManager } from "../tasks/task-manager.ts";
import { namespaceOf, scopeOf } from "./scope.ts";

const messages = containerd.services.tasks.v1;
const { Empty } = google.protobuf;

interface Parts {
  readonly store: Store;
  readonly tasks: TaskManager;
}

/** services/tasks/v1/tasks.proto */
export function tasksService(parts: Parts): GrpcService {
  return {
    name: "containerd.services.tasks.v1.Tasks",
    methods: [...lifeMethods(parts), ...processMethods(parts), ...queryMethods(parts), ...changeMethods(parts)],
  };
}

interface Named {
  readonly containerId: string;
}

/** The shim of the task a request is about. @throws {ContainerError} not_found */
function shimOf({ tasks }: Parts, { containerId }: Named, context: CallContext) {
  return tasks.get(namespaceOf(context), containerId).shim;
}

function lifeMethods(parts: Parts): readonly Method[] {
  const { store, tasks } = parts;
  return [
    unary("Create", [messages.CreateTaskRequest, messages.CreateTaskResponse], async (request, context) => {
      const { containerId, rootfs, stdin, stdout, stderr, terminal, options, runtimePath } = request;
      const namespace = namespaceOf(context);
      const container = store.containers.get(namespace, containerId);
      const restore = restoreOf(store, namespace, request.checkpoint);
      const { pid } = await tasks.create(namespace, container, {
        ...{ rootfs, stdin, stdout, stderr, terminal, runtimePath, restore },
        options: options === null ? undefined : toTyped(options),
      });
      return { containerId, pid };
    }),
    unary("Start", [messages.StartRequest, messages.StartResponse], (request, context) =>
      shimOf(parts, request, context).start(request.execId),
    ),
    unary("Delete", [messages.DeleteTaskRequest, messages.DeleteResponse], async ({ containerId }, context) => {
      const ended = await tasks.delete(namespaceOf(context), containerId);
      return { id: containerId, ...ended };
    }),
    unary("DeleteProcess", [messages.DeleteProcessRequest, messages.DeleteResponse], async (request, context) => {
      const ended = await shimOf(parts, request, context).delete(request.execId);
      return { id: request.execId, ...ended };
    }),
    unary("Wait", [messages.WaitRequest, messages.WaitResponse], (request, context) =>
      shimOf(parts, request, context).wait(request.execId),
    ),
  ];
}

/** How a task is made from a checkpoint; undefined for one that is not. */
function restoreOf(store: Store, namespace: string, descriptor: containerd.types.Descriptor | null) {
  if (descriptor === null) return undefined;
  const checkpoint = toDescriptor(descriptor);
  return async (directory: string): Promise<void> => {
    const { unpackCheckpoint } = await import("../tasks/checkpoint.ts");
    await unpackCheckpoint(store, namespace, { checkpoint, directory });
  };
}

function processMethods(parts: Parts): readonly Method[] {
  return [
    unary("Exec", [messages.ExecProcessRequest, Empty], (request, context) => {
      const { execId, stdin, stdout, stderr, terminal, spec } = request;
      // Shims name files by it.
      checkIdentifier("exec id", execId);
      return shimOf(parts, request, context).exec({ execId, stdin, stdout, stderr, terminal, spec });
    }),
    unary("Kill", [messages.KillRequest, Empty], (request, context) => {
      const { execId, signal, all } = request;
      return shimOf(parts, request, context).kill({ execId, signal, all });
    }),
    unary("ResizePty", [messages.ResizePtyRequest, Empty], (request, context) => {
      const { execId, width, height } = request;
      return shimOf(parts, request, context).resizePty({ execId, width, height });
    }),
    unary("CloseIO", [messages.CloseIORequest, Empty], (request, context) => {
      const { execId, stdin } = request;
      return shimOf(parts, request, context).closeIO({ execId, stdin });
    }),
  ];
}

function queryMethods(parts: Parts): readonly Method[] {
  const { tasks } = parts;
  return [
    unary("Get", [messages.GetRequest, messages.GetResponse], async (request, context) => {
      const { shim } = tasks.get(namespaceOf(context), request.containerId);
      return { process: processOf(await shim.state(request.execId), request) };
    }),
    unary("List", [messages.ListTasksRequest, messages.ListTasksResponse], async (_request, context) => ({
      tasks: await listProcesses(tasks.list(namespaceOf(context))),
    })),
    unary("ListPids", [messages.ListPidsRequest, messages.ListPidsResponse], (request, context) =>
      shimOf(parts, request, context).pids(),
    ),
    unary("Metrics", [messages.MetricsRequest, messages.MetricsResponse], async ({ filters }, context) => ({
      metrics: await listMetrics(tasks.list(namespaceOf(context)), filters),
    })),
  ];
}

function changeMethods(parts: Parts): readonly Method[] {
  return [
    unary("Pause", [messages.PauseTaskRequest, Empty], (request, context) => shimOf(parts, request, context).pause()),
    unary("Resume", [messages.ResumeTaskRequest, Empty], (request, context) =>
      shimOf(parts, request, context).resume(),
    ),
    unary("Update", [messages.UpdateTaskRequest, Empty], (request, context) => {
      const { resources, annotations } = request;
      return shimOf(parts, request, context).update({ resources, annotations });
    }),
    unary("Checkpoint", [messages.CheckpointTaskRequest, messages.CheckpointTaskResponse], async (request, context) => {
      const { containerId, options } = request;
      const namespace = namespaceOf(context);
      const task = parts.tasks.get(namespace, containerId);
      const container = parts.store.containers.get(namespace, containerId);
      const { checkpointTask } = await import("../tasks/checkpoint.ts");
      const given = { task, container, options: options === null ? undefined : toTyped(options) };
      const descriptors = await checkpointTask(parts.store, scopeOf(context), given);
      return { descriptors: descriptors.map(fromDescriptor) };
    }),
  ];
}
