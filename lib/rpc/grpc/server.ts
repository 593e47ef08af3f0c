import { Http2Connection } from "../http2/connection.ts";
import { listen } from "../listen.ts";
import type { Transport } from "../transport.ts";
import type { GrpcService, Method } from "./method.ts";
import { ServerCall } from "./server-call.ts";

/** What may be asked of a server. */
export interface GrpcServerOptions {
  /** Says of the descriptor of a connection whether it is served. */
  readonly admit?: (fd: number) => boolean;
}

/** A gRPC server on a listening unix socket. */
export class GrpcServer {
  readonly #methods: ReadonlyMap<string, Method>;
  readonly #listener: { stop(): void };
  readonly #connections = new Set<Http2Connection>();
  readonly #calls = new Set<ServerCall>();
  #onIdle: () => void = () => undefined;

  /** Serves connections of a descriptor that listens, which from here belongs to the server. */
  constructor(listener: number, services: readonly GrpcService[], { admit = () => true }: GrpcServerOptions = {}) {
    this.#methods = new Map(
      services.flatMap(({ name, methods }) => methods.map((method) => [`/${name}/${method.name}`, method] as const)),
    );
    this.#listener = listen(listener, {
      accept: (transport, fd) => (admit(fd) ? this.#serve(transport) : undefined),
      ended: (connection) => void this.#connections.delete(connection),
    });
  }

  /** Takes no new calls, lets those that run go on for some time, and closes all connections. */
  async close(graceMs: number): Promise<void> {
    this.#listener.stop();
    for (const connection of this.#connections) connection.goAway();
    if (this.#calls.size > 0) await this.#idle(graceMs);
    // The last answers are on their way with the end of this turn.
    await Promise.resolve();
    for (const connection of this.#connections) connection.close();
  }

  async #idle(graceMs: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#onIdle = resolve;
    const timer = setTimeout(resolve, graceMs);
    await promise;
    clearTimeout(timer);
  }

  #serve(transport: Transport): Http2Connection {
    const connection = new Http2Connection(
      transport,
      (stream) =>
        new ServerCall(stream, {
          find: (path) => this.#methods.get(path),
          began: (call) => this.#calls.add(call),
          ended: (call) => {
            this.#calls.delete(call);
            if (this.#calls.size === 0) this.#onIdle();
          },
        }),
    );
    this.#connections.add(connection);
    return connection;
  }
}
