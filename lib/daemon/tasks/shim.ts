import { containerd, google } from "../../../proto/gen/daemon.js";
import type { Codec, Input } from "../../../proto/gen/types.d.ts";
import { ContainerError } from "../../errors.ts";
import { type ClientConnection, connect } from "../../rpc/ttrpc/client.ts";

const messages = containerd.task.v2;
const { Empty } = google.protobuf;

/** How long a shim may take to say how a process is: it answers from memory. */
const STATE_MS = 2_000;
const CONNECT_MS = 5_000;
const SHUTDOWN_MS = 3_000;

export type ProcessState = containerd.task.v2.StateResponse;

/** task.proto: the shim of one task. */
export class Shim {
  readonly id: string;
  readonly #connection: ClientConnection;

  private constructor(id: string, connection: ClientConnection) {
    this.id = id;
    this.#connection = connection;
  }

  /** Connects to the socket of a shim. @throws {ContainerError} unavailable */
  static async open(id: string, path: string): Promise<Shim> {
    return new Shim(id, await connect(path));
  }

  /** Settles when the connection has ended: the shim has. */
  get ended(): Promise<void> {
    return this.#connection.ended;
  }

  close(): void {
    this.#connection.close();
  }

  connect() {
    return this.#call("Connect", messages.ConnectRequest, messages.ConnectResponse, {}, CONNECT_MS);
  }

  create(request: Input<containerd.task.v2.CreateTaskRequest>) {
    return this.#call("Create", messages.CreateTaskRequest, messages.CreateTaskResponse, request);
  }

  start(execId: string) {
    return this.#call("Start", messages.StartRequest, messages.StartResponse, { execId });
  }

  state(execId: string): Promise<ProcessState> {
    return this.#call("State", messages.StateRequest, messages.StateResponse, { execId }, STATE_MS);
  }

  wait(execId: string) {
    return this.#call("Wait", messages.WaitRequest, messages.WaitResponse, { execId });
  }

  kill(request: { readonly execId: string; readonly signal: number; readonly all: boolean }) {
    return this.#call("Kill", messages.KillRequest, Empty, request);
  }

  exec(request: Input<containerd.task.v2.ExecProcessRequest>) {
    return this.#call("Exec", messages.ExecProcessRequest, Empty, request);
  }

  delete(execId: string) {
    return this.#call("Delete", messages.DeleteRequest, messages.DeleteResponse, { execId });
  }

  resizePty(request: { readonly execId: string; readonly width: number; readonly height: number }) {
    return this.#call("ResizePty", messages.ResizePtyRequest, Empty, request);
  }

  closeIO(request: { readonly execId: string; readonly stdin: boolean }) {
    return this.#call("CloseIO", messages.CloseIORequest, Empty, request);
  }

  pids() {
    return this.#call("Pids", messages.PidsRequest, messages.PidsResponse, {});
  }

  stats() {
    return this.#call("Stats", messages.StatsRequest, messages.StatsResponse, {}, STATE_MS);
  }

  pause() {
    return this.#call("Pause", messages.PauseRequest, Empty, {});
  }

  resume() {
    return this.#call("Resume", messages.ResumeRequest, Empty, {});
  }

  update(request: Pick<Input<containerd.task.v2.UpdateTaskRequest>, "resources" | "annotations">) {
    return this.#call("Update", messages.UpdateTaskRequest, Empty, request);
  }

  /** Asks the shim to end, unless it has other tasks; one that does not answer is none of ours any more. */
  async shutdown(): Promise<void> {
    try {
      await this.#call("Shutdown", messages.ShutdownRequest, Empty, {}, SHUTDOWN_MS);
    } catch (error) {
      if (!(error instanceof ContainerError)) throw error;
    }
  }

  async #call<Q extends { readonly id: string }, A>(
    method: string,
    request: Codec<Q>,
    response: Codec<A>,
    fields: Input<Q>,
    timeoutMs?: number,
  ): Promise<A> {
    const payload = request.encode({ ...fields, id: this.id }).finish();
    const limit = timeoutMs === undefined ? {} : { timeoutMs };
    return response.decode(
      await this.#connection.call({ service: "containerd.task.v2.Task", method, payload, ...limit }),
    );
  }
}
