import { Http2Connection } from "../http2/connection.ts";
import { SocketTransport } from "../transport.ts";
import type { GrpcService, Method } from "./method.ts";
import { ServerCall } from "./server-call.ts";

interface Peer {
  readonly transport: SocketTransport;
  readonly http2: Http2Connection;
}

/** What may be asked of a server. */
export interface GrpcServerOptions {
  /** Says of the descriptor of a connection whether it is served. */
  readonly admit?: (fd: number) => boolean;
}

/** A gRPC server on a listening unix socket. */
export class GrpcServer {
  readonly #methods: ReadonlyMap<string, Method>;
  readonly #listener: { stop(closeActiveConnections: boolean): void };
  readonly #connections = new Set<Http2Connection>();
  readonly #calls = new Set<ServerCall>();
  #onIdle: () => void = () => undefined;

  /** Serves connections of a descriptor that listens, which from here belongs to the server. */
  constructor(listener: number, services: readonly GrpcService[], { admit = () => true }: GrpcServerOptions = {}) {
    this.#methods = new Map(
      services.flatMap(({ name, methods }) => methods.map((method) => [`/${name}/${method.name}`, method] as const)),
    );
    // Bun listens on a descriptor as it does on a path, and its sockets have theirs; its types know neither.
    const options: unknown = {
      fd: listener,
      socket: {
        open: (socket: Bun.Socket<Peer | undefined> & { readonly fd: number }) => {
          if (admit(socket.fd)) socket.data = this.#serve(new SocketTransport(socket));
          else socket.terminate();
        },
        data: ({ data: peer }: Bun.Socket<Peer | undefined>, chunk: Uint8Array) => peer?.http2.receive(chunk),
        drain: ({ data: peer }: Bun.Socket<Peer | undefined>) => {
          peer?.transport.flush();
          peer?.http2.drained();
        },
        close: ({ data: peer }: Bun.Socket<Peer | undefined>) => {
          if (peer === undefined) return;
          this.#connections.delete(peer.http2);
          peer.http2.closed();
        },
        error: ({ data: peer }: Bun.Socket<Peer | undefined>) => peer?.transport.close(),
      },
    };
    this.#listener = Bun.listen(options as Bun.UnixSocketOptions<Peer | undefined>);
  }

  /** Takes no new calls, lets those that run go on for some time, and closes all connections. */
  async close(graceMs: number): Promise<void> {
    this.#listener.stop(false);
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

  #serve(transport: SocketTransport): Peer {
    const http2 = new Http2Connection(
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
    this.#connections.add(http2);
    return { transport, http2 };
  }
}
