import { containerd, google, tsrun } from "../../proto/gen/shim.js";
import type { Codec, Input } from "../../proto/gen/types.d.ts";
import { openKernel } from "../linux/kernel.ts";
import { listenStream } from "../linux/socket.ts";
import { type ClientConnection, connect } from "../rpc/ttrpc/client.ts";
import { serve } from "../rpc/ttrpc/server.ts";
import { TSRUN } from "./runtime-program.ts";

/** An event as a shim has sent it. */
export interface SeenEvent {
  readonly topic: string;
  readonly type: string;
  readonly namespace: string;
  readonly value: Uint8Array;
}

/** In containerd's place: takes events. */
export class EventSink implements Disposable {
  readonly path: string;
  readonly events: SeenEvent[] = [];
  readonly #stop: () => void;

  constructor(path: string) {
    this.path = path;
    const listener = listenStream(openKernel(), path);
    if (typeof listener === "number") throw new Error(`cannot listen on ${path}: ${listener}`);
    const forward = (payload: Uint8Array) => {
      const { envelope } = containerd.services.events.ttrpc.v1.ForwardRequest.decode(payload);
      const { topic = "", namespace = "", event } = envelope ?? {};
      this.events.push({ topic, namespace, type: event?.typeUrl ?? "", value: event?.value ?? new Uint8Array() });
      return Promise.resolve(new Uint8Array());
    };
    const services = new Map([["containerd.services.events.ttrpc.v1.Events", new Map([["Forward", forward]])]]);
    this.#stop = serve(listener.release(), services).stop;
  }

  get topics(): readonly string[] {
    return this.events.map(({ topic }) => topic);
  }

  [Symbol.dispose](): void {
    this.#stop();
  }
}

/** What a shim is started with, and what came of it. */
export interface ShimStart {
  readonly status: number;
  readonly stdout: string;
  /** Standard output as it came. */
  readonly bytes: Uint8Array;
  readonly stderr: string;
}

/** Where a shim is called. */
export interface ShimPlace {
  /** The bundle. */
  readonly cwd: string;
  /** The socket that takes its events; "" for none. */
  readonly address: string;
  /** Where it looks for programs; as this process when not given. */
  readonly path?: string;
}

const SHIM = TSRUN.replace(/tsrun$/, "containerd-shim-tsrun-v2");

/** Calls the shim's executable as containerd does. */
export async function callShim(
  words: readonly string[],
  { cwd, address, path = process.env["PATH"] ?? "" }: ShimPlace,
): Promise<ShimStart> {
  const child = Bun.spawn({
    cmd: [SHIM, "-namespace", "test", "-address", "/test/address", "-publish-binary", "/bin/true", ...words],
    cwd,
    env: { PATH: path, TTRPC_ADDRESS: address, GOMAXPROCS: "2", MAX_SHIM_VERSION: "2" },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const [status, bytes, stderr] = await Promise.all([child.exited, child.stdout.bytes(), child.stderr.text()]);
  return { status, stdout: new TextDecoder().decode(bytes), bytes, stderr };
}

type Service = typeof containerd.task.v2;

/** Calls of the task service. */
export class ShimClient {
  readonly #connection: ClientConnection;
  readonly #service: string;

  private constructor(connection: ClientConnection, service: string) {
    this.#connection = connection;
    this.#service = service;
  }

  /** `url` is what `start` has printed. */
  static async open(url: string, version: 2 | 3 = 2): Promise<ShimClient> {
    return new ShimClient(await connect(url.replace(/^unix:\/\//, "")), `containerd.task.v${version}.Task`);
  }

  get isClosed(): boolean {
    return this.#connection.isClosed;
  }

  close(): void {
    this.#connection.close();
  }

  async raw(method: string, payload: Uint8Array, timeoutMs?: number): Promise<Uint8Array> {
    const limit = timeoutMs === undefined ? {} : { timeoutMs };
    return await this.#connection.call({ service: this.#service, method, payload, ...limit });
  }

  async #call<Q, A>(method: string, codecs: readonly [Codec<Q>, Codec<A>], request: Input<Q>): Promise<A> {
    return codecs[1].decode(await this.raw(method, codecs[0].encode(request).finish()));
  }

  /** Has a shim take a task over. */
  async adopt(request: Input<tsrun.shim.v1.AdoptRequest>) {
    const { AdoptRequest, AdoptResponse } = tsrun.shim.v1;
    const payload = AdoptRequest.encode(request).finish();
    const call = { service: "tsrun.shim.v1.Adoption", method: "Adopt", payload };
    return AdoptResponse.decode(await this.#connection.call(call));
  }

  create(request: Input<containerd.task.v2.CreateTaskRequest>) {
    return this.#call("Create", [messages.CreateTaskRequest, messages.CreateTaskResponse], request);
  }

  start(id: string, execId = "") {
    return this.#call("Start", [messages.StartRequest, messages.StartResponse], { id, execId });
  }

  state(id: string, execId = "") {
    return this.#call("State", [messages.StateRequest, messages.StateResponse], { id, execId });
  }

  wait(id: string, execId = "") {
    return this.#call("Wait", [messages.WaitRequest, messages.WaitResponse], { id, execId });
  }

  kill(id: string, signal: number, { execId = "", all = false } = {}) {
    return this.#call("Kill", [messages.KillRequest, Empty], { id, execId, signal, all });
  }

  delete(id: string, execId = "") {
    return this.#call("Delete", [messages.DeleteRequest, messages.DeleteResponse], { id, execId });
  }

  exec(request: Input<containerd.task.v2.ExecProcessRequest>) {
    return this.#call("Exec", [messages.ExecProcessRequest, Empty], request);
  }

  connect(id: string) {
    return this.#call("Connect", [messages.ConnectRequest, messages.ConnectResponse], { id });
  }

  update(id: string, resources: unknown) {
    const value = new TextEncoder().encode(JSON.stringify(resources));
    const typeUrl = "types.containerd.io/opencontainers/runtime-spec/1/LinuxResources";
    return this.#call("Update", [messages.UpdateTaskRequest, Empty], { id, resources: { typeUrl, value } });
  }

  pids(id: string) {
    return this.#call("Pids", [messages.PidsRequest, messages.PidsResponse], { id });
  }

  stats(id: string) {
    return this.#call("Stats", [messages.StatsRequest, messages.StatsResponse], { id });
  }

  closeInput(id: string) {
    return this.#call("CloseIO", [messages.CloseIORequest, Empty], { id, stdin: true });
  }

  shutdown(id: string) {
    return this.#call("Shutdown", [messages.ShutdownRequest, Empty], { id });
  }
}

const messages: Service = containerd.task.v2;
const { Empty } = google.protobuf;

/** A process for `Exec`, as containerd's clients write it. */
export function execSpec(args: readonly string[]): { readonly typeUrl: string; readonly value: Uint8Array } {
  const process = { args, cwd: "/", env: ["PATH=/bin"], user: { uid: 0, gid: 0 } };
  return {
    typeUrl: "types.containerd.io/opencontainers/runtime-spec/1/Process",
    value: new TextEncoder().encode(JSON.stringify(process)),
  };
}
