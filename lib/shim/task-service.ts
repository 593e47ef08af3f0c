import { containerd, google } from "../../proto/gen/shim.js";
import type { Codec, Input } from "../../proto/gen/types.d.ts";
import { ContainerError, explain } from "../errors.ts";
import type { Method, Services } from "../rpc/ttrpc/server.ts";
import type { Process } from "../spec/config.ts";
import { parseProcess, parseResources } from "../spec/parse-config.ts";
import { decodeOptions } from "./options.ts";
import type { Task } from "./task.ts";
import type { ProcessStatus, TaskProcess } from "./task-process.ts";
import type { Tasks } from "./tasks.ts";
import { NEVER, toTimestamp } from "./timestamp.ts";

const messages = containerd.task.v2;
const { Empty } = google.protobuf;
const { Status } = containerd.v1.types;
const PROCESS_DETAILS = "containerd.runc.v1.ProcessDetails";

/** Both have the same methods, messages and numbers. */
const SERVICES = ["containerd.task.v2.Task", "containerd.task.v3.Task"];

/** task.proto: the service of a shim. `onShutdown` is called when it is asked to end and no task is left. */
export function taskServices(tasks: Tasks, onShutdown: () => void): Services {
  const methods = new Map([...queries(tasks), ...changes(tasks), ...execs(tasks), ...ends(tasks, onShutdown)]);
  return new Map(SERVICES.map((name) => [name, methods]));
}

type Entry = readonly [name: string, method: Method];

/** A method of the service: takes the request apart, and puts the answer together. */
function method<Q, A>(
  name: string,
  request: Codec<Q>,
  response: Codec<A>,
  run: (request: Q) => Promise<Input<A>> | Input<A>,
): Entry {
  return [name, async (payload) => response.encode(await run(decode(request, name, payload))).finish()];
}

function decode<Q>(codec: Codec<Q>, name: string, payload: Uint8Array): Q {
  try {
    return codec.decode(payload);
  } catch (error) {
    throw invalid(`cannot decode the request of ${name}: ${explain(error)}`);
  }
}

function invalid(message: string): ContainerError {
  return new ContainerError("invalid_argument", message);
}

function queries(tasks: Tasks): readonly Entry[] {
  return [
    method("State", messages.StateRequest, messages.StateResponse, async ({ id, execId }) => {
      // A supervisor that was killed while the task was made asks for it when it is back.
      const task = await tasks.await(id);
      return stateOf(task, task.process(execId), execId);
    }),
    method("Pids", messages.PidsRequest, messages.PidsResponse, async ({ id }) => await pidsOf(tasks.get(id))),
    method("Stats", messages.StatsRequest, messages.StatsResponse, async ({ id }) => await statsOf(tasks.get(id))),
    method("Wait", messages.WaitRequest, messages.WaitResponse, async ({ id, execId }) => {
      const { status, atMs } = await tasks.get(id).process(execId).ended;
      return { exitStatus: status, exitedAt: toTimestamp(atMs) };
    }),
    // It is how containerd looks whether the shim lives: it never fails.
    method("Connect", messages.ConnectRequest, messages.ConnectResponse, ({ id }) => ({
      shimPid: process.pid,
      taskPid: tasks.find(id)?.init.pid ?? 0,
    })),
  ];
}

function changes(tasks: Tasks): readonly Entry[] {
  return [
    method("Create", messages.CreateTaskRequest, messages.CreateTaskResponse, async (request) => {
      const { id, bundle, rootfs, terminal, stdin, stdout, stderr } = request;
      if (!bundle.startsWith("/")) throw invalid(`bundle ${JSON.stringify(bundle)} must be an absolute path`);
      const options = decodeOptions(request.options);
      // containerd itself takes the path out of the options of its own shim only.
      const checkpoint = request.checkpoint || options.criuImagePath;
      if (checkpoint !== "" && !checkpoint.startsWith("/"))
        throw invalid(`checkpoint ${JSON.stringify(checkpoint)} must be an absolute path`);
      const paths = { stdin, stdout, stderr, terminal };
      const task = await tasks.create({ id, bundle, rootfs, options, paths, checkpoint });
      return { pid: task.init.pid };
    }),
    method("Start", messages.StartRequest, messages.StartResponse, async ({ id, execId }) => ({
      pid: await tasks.get(id).start(execId),
    })),
    method("Kill", messages.KillRequest, Empty, async ({ id, execId, signal, all }) => {
      await tasks.get(id).kill(execId, signal, all);
      return {};
    }),
    method("Pause", messages.PauseRequest, Empty, async ({ id }) => {
      await tasks.get(id).pause();
      return {};
    }),
    method("Resume", messages.ResumeRequest, Empty, async ({ id }) => {
      await tasks.get(id).resume();
      return {};
    }),
    method("Update", messages.UpdateTaskRequest, Empty, async ({ id, resources }) => {
      if (resources === null) throw invalid("cannot update: no resources are given");
      await tasks.get(id).update(parseResources(new TextDecoder().decode(resources.value)));
      return {};
    }),
    method("Checkpoint", messages.CheckpointTaskRequest, Empty, async ({ id, path, options }) => {
      if (!path.startsWith("/")) throw invalid(`checkpoint path ${JSON.stringify(path)} must be absolute`);
      const decoded = containerd.runc.v1.CheckpointOptions.decode(options?.value ?? new Uint8Array());
      const { exit, openTcp, externalUnixSockets, terminal, fileLocks, emptyNamespaces } = decoded;
      const settings = { exit, openTcp, externalUnixSockets, terminal, fileLocks, emptyNamespaces };
      await tasks.get(id).checkpoint(path, settings);
      return {};
    }),
  ];
}

function execs(tasks: Tasks): readonly Entry[] {
  return [
    method("Exec", messages.ExecProcessRequest, Empty, (request) => {
      const { id, execId, terminal, stdin, stdout, stderr, spec } = request;
      const task = tasks.get(id);
      task.addExec(execId, parseSpec(spec), { stdin, stdout, stderr, terminal });
      return {};
    }),
    method("ResizePty", messages.ResizePtyRequest, Empty, ({ id, execId, width, height }) => {
      tasks.get(id).process(execId).stdio.resize(width, height);
      return {};
    }),
    method("CloseIO", messages.CloseIORequest, Empty, ({ id, execId, stdin }) => {
      const target = tasks.get(id).process(execId);
      if (stdin) target.stdio.closeInput();
      return {};
    }),
  ];
}

function parseSpec(spec: google.protobuf.Any | null): Process {
  if (spec === null) throw invalid("cannot add an exec: it has no process");
  return parseProcess(new TextDecoder().decode(spec.value)).process;
}

function ends(tasks: Tasks, onShutdown: () => void): readonly Entry[] {
  return [
    method("Delete", messages.DeleteRequest, messages.DeleteResponse, async ({ id, execId }) => {
      const ended = execId === "" ? await tasks.delete(id) : await tasks.get(id).deleteExec(execId);
      return { pid: ended.pid, exitStatus: ended.exit?.status ?? 0, exitedAt: exitTime(ended) };
    }),
    method("Shutdown", messages.ShutdownRequest, Empty, () => {
      // A group's shim serves the others that it has.
      if (tasks.isEmpty) onShutdown();
      return {};
    }),
  ];
}

function exitTime({ exit }: TaskProcess): Input<google.protobuf.Timestamp> {
  return exit === undefined ? NEVER : toTimestamp(exit.atMs);
}

const STATUS: Readonly<Record<ProcessStatus, number>> = {
  created: Status.CREATED,
  running: Status.RUNNING,
  stopped: Status.STOPPED,
};

function stateOf(task: Task, target: TaskProcess, execId: string): Input<containerd.task.v2.StateResponse> {
  const { stdin, stdout, stderr, terminal } = target.paths;
  const isPaused = task.isPaused && target.status === "running";
  return {
    id: task.parts.id,
    bundle: task.parts.bundle,
    pid: target.pid,
    status: isPaused ? Status.PAUSED : STATUS[target.status],
    stdin,
    stdout,
    stderr,
    terminal,
    exitStatus: target.exit?.status ?? 0,
    exitedAt: exitTime(target),
    execId,
  };
}

async function pidsOf(task: Task): Promise<Input<containerd.task.v2.PidsResponse>> {
  const execIds = new Map([...task.execs.values()].map(({ pid, id }) => [pid, id]));
  const processes = (await task.parts.runtime.pids()).map((pid) => {
    const execId = execIds.get(pid);
    if (execId === undefined) return { pid };
    const value = containerd.runc.v1.ProcessDetails.encode({ execId }).finish();
    return { pid, info: { typeUrl: PROCESS_DETAILS, value } };
  });
  return { processes };
}

async function statsOf(task: Task): Promise<Input<containerd.task.v2.StatsResponse>> {
  const places = task.parts.runtime.cgroups();
  if (places === undefined || task.init.status === "stopped") {
    throw new ContainerError("not_found", `task ${task.parts.id} has no cgroup`);
  }
  const { readMetrics } = await import("./metrics.ts");
  return { stats: readMetrics(task.parts.machine.kernel, places) };
}
