import { removeFile } from "../linux/files.ts";
import type { Kernel } from "../linux/kernel.ts";
import { serve } from "../rpc/ttrpc/server.ts";
import type { RuntimeOptions } from "../runtime/options.ts";
import { AbandonTimer, BoundSocket } from "./abandonment.ts";
import { adoptionServices } from "./adopt-service.ts";
import { openLog } from "./log.ts";
import { type Machine, openMachine } from "./machine.ts";
import { stateRoot } from "./options.ts";
import { OwnRuntime } from "./own-runtime.ts";
import { Publisher } from "./publisher.ts";
import type { TaskRuntime } from "./runtime.ts";
import type { RuntimeTarget } from "./task-factory.ts";
import { taskServices } from "./task-service.ts";
import { Tasks } from "./tasks.ts";

/** What a shim is started with. */
export interface ShimSettings {
  readonly namespace: string;
  /** Absolute path: the bundle of the first container. */
  readonly bundle: string;
  readonly debug: boolean;
  /** The listening socket, and where it is. */
  readonly listener: number;
  readonly socketPath: string;
  /** Path of the socket that takes events; "" for none. */
  readonly eventAddress: string;
  readonly nofile: RuntimeOptions["nofile"];
  readonly environment: Machine["environment"];
}

/** How long events may take to reach containerd when the shim ends. */
const FLUSH_MS = 3_000;
/** The answer to `Shutdown` goes first. */
const ANSWER_MS = 5;

/** Serves tasks until `Shutdown` is asked for and none is left, or nobody will ever ask for any. */
export async function runShim(kernel: Kernel, settings: ShimSettings): Promise<void> {
  const { namespace, bundle, debug } = settings;
  const log = openLog(kernel, bundle, debug);
  // What a caller cannot be told must not end the shim: its containers would be left alone.
  process.on("uncaughtException", (error) => log.warn(`internal error: ${error.stack ?? error.message}`));
  process.on("unhandledRejection", (error) => {
    log.warn(`internal error: ${error instanceof Error ? error.stack : String(error)}`);
  });
  // Whoever wants to end it asks for `Shutdown`; containerd's own end must not be the shim's.
  for (const signal of ["SIGHUP", "SIGINT", "SIGTERM", "SIGPIPE"] as const) process.on(signal, () => undefined);
  const machine = openMachine(kernel, settings.environment);
  const publisher = new Publisher(settings.eventAddress, namespace, log.warn);
  const openRuntime = async (task: RuntimeTarget): Promise<TaskRuntime> => {
    if (task.options.binaryName !== "") {
      const { BinaryRuntime } = await import("./binary-runtime.ts");
      return new BinaryRuntime({ machine, ...task, root: stateRoot(task.options, namespace) });
    }
    const options: RuntimeOptions = {
      kernel,
      root: stateRoot(task.options, namespace),
      systemdCgroup: task.options.systemdCgroup,
      rootless: "auto",
      debug: log.debug,
      warn: log.warn,
      waits: machine.waits,
      ...(settings.nofile === undefined ? {} : { nofile: settings.nofile }),
    };
    return new OwnRuntime(options, task, settings.environment);
  };
  const tasks = new Tasks({ namespace, machine, publisher, openRuntime, warn: log.warn });
  const shutdown = Promise.withResolvers<void>();
  const socket = new BoundSocket(kernel, settings.socketPath);
  using abandonment = new AbandonTimer({ kernel, tasks, bundle, socket }, shutdown.resolve);
  const services = new Map([...taskServices(tasks, shutdown.resolve), ...adoptionServices(tasks)]);
  const server = serve(settings.listener, services, (count) => abandonment.count(count));
  await shutdown.promise;
  // Nobody finds it from here; a task that came in the last moment would keep its shim.
  if (socket.isOurs) removeFile(kernel, socket.path);
  server.stop();
  await new Promise((resolve) => setTimeout(resolve, ANSWER_MS));
  await publisher.flush(FLUSH_MS);
}
