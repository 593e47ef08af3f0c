import { containerd, google, tsrun } from "../../../proto/gen/daemon.js";
import type { Codec, Input } from "../../../proto/gen/types.d.ts";
import { ContainerError } from "../../errors.ts";
import { type ClientConnection, connect } from "../../rpc/ttrpc/client.ts";
import { KnownState } from "./known-state.ts";

const messages = containerd.task.v2;
const { Empty } = google.protobuf;

/** How long a shim may take to say how a process is: it answers from memory. */
const STATE_MS = 2_000;
const SHUTDOWN_MS = 3_000;
/** How long a task may take to be made that was begun for a supervisor before this one. */
const MAKING_MS = 30_000;
/** How long a call waits for another shim in the place of one that has ended: it has to be started. */
const SUCCESSOR_MS = 60_000;
/** How long a shim may take to find out what has become of a container. */
const ADOPT_MS = 20_000;
const SERVICE = "containerd.task.v2.Task";

export type ProcessState = containerd.task.v2.StateResponse;

/** What is asked of a shim beside its tasks. */
const ADOPTION = "tsrun.shim.v1.Adoption";

type CallOf<Q, A> = readonly [
  method: string,
  request: Codec<Q>,
  response: Codec<A>,
  fields: Input<Q>,
  timeoutMs?: number | undefined,
];

/** A shim that has taken a task over, and what it says of it. */
export interface Adopted {
  readonly shim: Shim;
  readonly pid: number;
  readonly hasExited: boolean;
}

/**
 * task.proto: the shim of one task. When it ends another may take its place: calls wait for that, and questions that were
 * not answered are asked again.
 */
export class Shim {
  readonly id: string;
  readonly #known = new KnownState();
  #connection: ClientConnection;
  #isOver = false;
  /** Settles when there is another connection, or none any more. */
  #change = Promise.withResolvers<void>();

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

  get hasEnded(): boolean {
    return this.#connection.isClosed;
  }

  /** Lets go of the shim, which lives on. Who waits for another one waits no more. */
  close(): void {
    this.#isOver = true;
    this.#connection.close();
    this.#change.resolve();
  }

  /** Has a shim that was just started take a task over; one that cannot is ended. @throws {ContainerError} */
  static async adopt(id: string, path: string, task: Omit<Input<tsrun.shim.v1.AdoptRequest>, "id">): Promise<Adopted> {
    const shim = await Shim.open(id, path);
    try {
      const { AdoptRequest, AdoptResponse } = tsrun.shim.v1;
      const payload = AdoptRequest.encode({ ...task, id }).finish();
      const call = { service: ADOPTION, method: "Adopt", payload, timeoutMs: ADOPT_MS };
      const { pid, stopped } = AdoptResponse.decode(await shim.#connection.call(call));
      return { shim, pid, hasExited: stopped };
    } catch (error) {
      await shim.shutdown();
      shim.close();
      throw error;
    }
  }

  /** Another shim is this one from here on: it has taken the task over. */
  become({ shim }: Adopted): void {
    this.#known.change();
    this.#connection = shim.#connection;
    this.#change.resolve();
    this.#change = Promise.withResolvers();
  }

  create(request: Input<containerd.task.v2.CreateTaskRequest>) {
    return this.#call("Create", messages.CreateTaskRequest, messages.CreateTaskResponse, request);
  }

  start(execId: string) {
    return this.#call("Start", messages.StartRequest, messages.StartResponse, { execId });
  }

  state(execId: string, limitMs: number = STATE_MS): Promise<ProcessState> {
    return this.#ask("State", messages.StateRequest, messages.StateResponse, { execId }, limitMs);
  }

  /** The state of the first process; asked for only where it may be another than it was. */
  async knownState(isAlive: (pid: number) => boolean): Promise<ProcessState> {
    return this.#known.find(isAlive) ?? (await this.#known.ask(() => this.state("")));
  }

  /** The state of a task that may still be being made; a shim that hangs is not waited for. */
  async stateWhenMade(): Promise<ProcessState> {
    // Both at once: a shim of many that a supervisor comes back to is woken once.
    const state = this.state("", MAKING_MS);
    state.catch(() => undefined);
    await this.#ask("Connect", messages.ConnectRequest, messages.ConnectResponse, {}, STATE_MS);
    return await state;
  }

  wait(execId: string) {
    return this.#ask("Wait", messages.WaitRequest, messages.WaitResponse, { execId });
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
    return this.#ask("Pids", messages.PidsRequest, messages.PidsResponse, {});
  }

  stats() {
    return this.#ask("Stats", messages.StatsRequest, messages.StatsResponse, {}, STATE_MS);
  }

  pause() {
    return this.#call("Pause", messages.PauseRequest, Empty, {});
  }

  resume() {
    return this.#call("Resume", messages.ResumeRequest, Empty, {});
  }

  /** Writes the processes to image files in a directory. */
  async checkpoint(path: string, options: Input<google.protobuf.Any> | undefined): Promise<void> {
    const given = options === undefined ? {} : { options };
    await this.#call("Checkpoint", messages.CheckpointTaskRequest, Empty, { path, ...given });
  }

  update(request: Pick<Input<containerd.task.v2.UpdateTaskRequest>, "resources" | "annotations">) {
    return this.#call("Update", messages.UpdateTaskRequest, Empty, request);
  }

  /** Asks the shim to end, unless it has other tasks; one that does not answer is none of ours any more. */
  async shutdown(): Promise<void> {
    const payload = messages.ShutdownRequest.encode({ id: this.id }).finish();
    try {
      await this.#connection.call({ service: SERVICE, method: "Shutdown", payload, timeoutMs: SHUTDOWN_MS });
    } catch (error) {
      if (!(error instanceof ContainerError)) throw error;
    }
  }

  /** Asks the shim to end and waits until it has: another one may come in its place. One that has other tasks stays. */
  async end(): Promise<void> {
    await this.shutdown();
    await Promise.race([this.ended, Bun.sleep(SHUTDOWN_MS)]);
    this.close();
  }

  /** A call that is made again when the shim ends before it has answered. */
  async #ask<Q extends { readonly id: string }, A>(...call: CallOf<Q, A>): Promise<A> {
    for (;;) {
      const connection = await this.#connected();
      try {
        return await this.#callOn(connection, ...call);
      } catch (error) {
        if (!connection.isClosed) throw error;
      }
    }
  }

  async #call<Q extends { readonly id: string }, A>(...call: CallOf<Q, A>): Promise<A> {
    for (;;) {
      const connection = await this.#connected();
      // It may have ended since it was found: nothing is sent then.
      if (connection.isClosed) continue;
      this.#known.change();
      try {
        return await this.#callOn(connection, ...call);
      } finally {
        this.#known.change();
      }
    }
  }

  async #callOn<Q extends { readonly id: string }, A>(
    connection: ClientConnection,
    ...[method, request, response, fields, timeoutMs]: CallOf<Q, A>
  ): Promise<A> {
    const payload = request.encode({ ...fields, id: this.id }).finish();
    const limit = timeoutMs === undefined ? {} : { timeoutMs };
    return response.decode(await connection.call({ service: SERVICE, method, payload, ...limit }));
  }

  /** The connection, when there is one. @throws {ContainerError} unavailable when there will be none, or none in time */
  async #connected(): Promise<ClientConnection> {
    const deadline = performance.now() + SUCCESSOR_MS;
    while (this.#connection.isClosed) {
      const leftMs = deadline - performance.now();
      if (this.#isOver || leftMs <= 0) {
        throw new ContainerError("unavailable", `the shim of ${this.id} has ended, and no other has come in its place`);
      }
      let timer: Timer | undefined;
      const late = new Promise<void>((resolve) => {
        timer = setTimeout(resolve, leftMs);
      });
      await Promise.race([this.#change.promise, late]);
      clearTimeout(timer);
    }
    return this.#connection;
  }
}
