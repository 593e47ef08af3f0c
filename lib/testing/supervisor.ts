import { mkdirSync, openSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { Client, credentials, Metadata, type ServiceError } from "@grpc/grpc-js";
import { containerd, google } from "../../proto/gen/daemon.js";
import type { Codec, Input } from "../../proto/gen/types.d.ts";
import { fromStatus } from "../rpc/status.ts";
import { waitUntil } from "./runtime-poll.ts";
import { TSRUN } from "./runtime-program.ts";

const SERVICES = "containerd.services";
const containers = containerd.services.containers.v1;
const tasks = containerd.services.tasks.v1;
const { Empty } = google.protobuf;

export interface Options {
  readonly namespace?: string;
  readonly deadlineMs?: number;
}

/** The built tsrund, in a folder of a test's own, and a client of it. */
export class TestSupervisor {
  readonly folder: string;
  readonly address: string;
  readonly #config: string;
  #child: Bun.Subprocess | undefined;
  #client: Client | undefined;

  /** `config` is the path of its configuration. */
  constructor(folder: string, config = "/dev/null") {
    this.folder = folder;
    this.#config = config;
    this.address = join(folder, "s");
    mkdirSync(folder, { recursive: true });
  }

  get pid(): number {
    return this.#child?.pid ?? 0;
  }

  /** Its command line. */
  get words(): readonly string[] {
    const { address, folder } = this;
    return [
      TSRUN.replace(/tsrun$/, "tsrund"),
      "--address",
      address,
      "--root",
      join(folder, "root"),
      "--state",
      join(folder, "state"),
      "--config",
      this.#config,
    ];
  }

  /** Starts it, and waits until it answers. */
  async start(): Promise<void> {
    const log = openSync(join(this.folder, "log"), "a");
    this.#child = Bun.spawn({
      ...{ cmd: [...this.words], stdio: ["ignore", log, log] },
      env: { PATH: process.env["PATH"] ?? "" },
    });
    this.#client = new Client(`unix:${this.address}`, credentials.createInsecure(), {
      "grpc.use_local_subchannel_pool": 1,
      "grpc.initial_reconnect_backoff_ms": 10,
      "grpc.min_reconnect_backoff_ms": 10,
      "grpc.max_reconnect_backoff_ms": 50,
    });
    const client = this.#client;
    await waitUntil("answer of tsrund", () => {
      if (this.#child?.exitCode !== null) throw new Error(`tsrund has ended: ${this.log()}`);
      return new Promise((resolve) => client.waitForReady(Date.now() + 100, (error) => resolve(error === undefined)));
    });
  }

  log(): string {
    return readFileSync(join(this.folder, "log"), "utf8");
  }

  /** Ends it. Gives its exit status; null after a signal that it cannot catch. */
  async stop(signal: NodeJS.Signals = "SIGTERM"): Promise<number | null> {
    this.#client?.close();
    this.#child?.kill(signal);
    await this.#child?.exited;
    return this.#child?.exitCode ?? null;
  }

  /** One call. @throws {ContainerError} as the daemon has refused */
  call<Q, A>(
    method: string,
    [request, response]: readonly [Codec<Q>, Codec<A>],
    fields: Input<Q>,
    options: Options = {},
  ) {
    const encode = () => Buffer.from(request.encode(fields).finish());
    return new Promise<A>((resolve, reject) => {
      const deadline = Date.now() + (options.deadlineMs ?? 60_000);
      const path = `/${SERVICES}.${method}`;
      this.#client?.makeUnaryRequest(
        path,
        encode,
        (bytes) => response.decode(bytes),
        fields,
        metadataOf(options),
        { deadline },
        (error, answer) => {
          if (error !== null || answer === undefined) reject(toError(error));
          else resolve(answer);
        },
      );
    });
  }

  /** A stream of answers, to be iterated or cancelled. */
  stream<Q, A>(
    method: string,
    [request, response]: readonly [Codec<Q>, Codec<A>],
    fields: Input<Q>,
    options: Options = {},
  ) {
    const encode = () => Buffer.from(request.encode(fields).finish());
    const path = `/${SERVICES}.${method}`;
    const decode = (bytes: Buffer) => response.decode(bytes);
    return (this.#client as Client).makeServerStreamRequest(path, encode, decode, fields, metadataOf(options));
  }

  /** Records a container. */
  async createContainer(id: string, config: unknown, labels: Readonly<Record<string, string>> = {}): Promise<void> {
    const spec = {
      typeUrl: "types.containerd.io/opencontainers/runtime-spec/1/Spec",
      value: new TextEncoder().encode(JSON.stringify(config)),
    };
    const container = { id, spec, labels, runtime: { name: "io.containerd.tsrun.v2" } };
    const messages = [containers.CreateContainerRequest, containers.CreateContainerResponse] as const;
    await this.call("containers.v1.Containers/Create", messages, { container });
  }

  createTask(containerId: string) {
    return this.call("tasks.v1.Tasks/Create", [tasks.CreateTaskRequest, tasks.CreateTaskResponse], { containerId });
  }

  startTask(containerId: string) {
    return this.call("tasks.v1.Tasks/Start", [tasks.StartRequest, tasks.StartResponse], { containerId });
  }

  async task(containerId: string) {
    const { process: found } = await this.call("tasks.v1.Tasks/Get", [tasks.GetRequest, tasks.GetResponse], {
      containerId,
    });
    if (found === null) throw new Error("an answer without a process");
    return found;
  }

  async listTasks() {
    return (await this.call("tasks.v1.Tasks/List", [tasks.ListTasksRequest, tasks.ListTasksResponse], {})).tasks;
  }

  wait(containerId: string, options: Options = {}) {
    return this.call("tasks.v1.Tasks/Wait", [tasks.WaitRequest, tasks.WaitResponse], { containerId }, options);
  }

  kill(containerId: string) {
    return this.call("tasks.v1.Tasks/Kill", [tasks.KillRequest, Empty], { containerId, signal: 9, all: true });
  }

  deleteTask(containerId: string) {
    return this.call("tasks.v1.Tasks/Delete", [tasks.DeleteTaskRequest, tasks.DeleteResponse], { containerId });
  }

  async deleteContainer(id: string): Promise<void> {
    await this.call("containers.v1.Containers/Delete", [containers.DeleteContainerRequest, Empty], { id });
  }
}

function metadataOf({ namespace = "test" }: Options): Metadata {
  const metadata = new Metadata();
  if (namespace !== "") metadata.set("containerd-namespace", namespace);
  return metadata;
}

function toError(error: ServiceError | null): Error {
  return error === null ? new Error("no answer") : fromStatus({ code: error.code, message: error.details });
}
