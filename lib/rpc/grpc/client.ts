import { ContainerError } from "../../errors.ts";
import { Http2Connection } from "../http2/connection.ts";
import type { Header } from "../http2/hpack.ts";
import { CODE, fromStatus } from "../status.ts";
import { SocketTransport } from "../transport.ts";
import { ClientCall } from "./client-call.ts";

/** What a call is told besides its messages. */
export interface CallOptions {
  readonly headers?: Readonly<Record<string, string>>;
  /** The server is told of it, and this side does not wait longer. */
  readonly timeoutMs?: number | undefined;
}

/**
 * A client of gRPC on one connection: the protocol (PROTOCOL-HTTP2.md of gRPC) on an HTTP/2 of our own, since a command
 * line is over before @grpc/grpc-js has been loaded: 26 ms for one call of it, 5 ms for this.
 */
export class GrpcConnection implements Disposable {
  readonly #http2: Http2Connection;

  constructor(http2: Http2Connection) {
    this.#http2 = http2;
  }

  /** One request, one response. @throws {ContainerError} the server's, unavailable, or deadline_exceeded */
  async unary(path: string, payload: Uint8Array, options: CallOptions = {}): Promise<Uint8Array> {
    const call = this.call(path, options);
    // Nobody waits for the request to be sent: the answer says that it was.
    void call.send(payload);
    call.end();
    let answer: Uint8Array | undefined;
    for await (const message of call.messages()) answer ??= message;
    if (answer !== undefined) return answer;
    throw fromStatus({ code: CODE.unknown, message: `${path} was not answered` });
  }

  /** A call whose requests and responses are streams. @throws {ContainerError} unavailable */
  call(path: string, { headers = {}, timeoutMs }: CallOptions = {}): ClientCall {
    const list: Header[] = [
      [":method", "POST"],
      [":scheme", "http"],
      [":path", path],
      [":authority", "localhost"],
      ["te", "trailers"],
      ["content-type", "application/grpc"],
    ];
    if (timeoutMs !== undefined) list.push(["grpc-timeout", `${timeoutMs}m`]);
    for (const name in headers) list.push([name, headers[name] ?? ""]);
    const call = new ClientCall(path, timeoutMs);
    call.begin(this.#http2.open(list, call));
    return call;
  }

  close(): void {
    this.#http2.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

interface Peer {
  readonly transport: SocketTransport;
  readonly http2: Http2Connection;
}

/** Connects to the unix socket at a path. @throws {ContainerError} unavailable, permission_denied */
export async function connectGrpc(path: string): Promise<GrpcConnection> {
  let peer: Peer | undefined;
  try {
    await Bun.connect<undefined>({
      unix: path,
      socket: {
        open(socket) {
          const transport = new SocketTransport(socket);
          peer = { transport, http2: new Http2Connection(transport) };
        },
        data: (_socket, chunk) => peer?.http2.receive(chunk),
        drain: () => {
          peer?.transport.flush();
          peer?.http2.drained();
        },
        close: () => peer?.http2.closed(),
        error: () => peer?.http2.close(),
        connectError: () => undefined,
      },
      data: undefined,
    });
  } catch (error) {
    throw cannotConnect(path, error);
  }
  if (peer === undefined) throw new ContainerError("unavailable", `cannot connect to ${path}`);
  return new GrpcConnection(peer.http2);
}

const WHY: Readonly<Record<string, string>> = {
  ENOENT: "there is no such socket",
  ECONNREFUSED: "nobody listens on it",
  EACCES: "permission denied",
};

function cannotConnect(path: string, error: unknown): ContainerError {
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  const why = WHY[code] === undefined ? { cause: error } : { cause: new Error(`${WHY[code]} (${code})`) };
  return new ContainerError(code === "EACCES" ? "permission_denied" : "unavailable", `cannot connect to ${path}`, why);
}
