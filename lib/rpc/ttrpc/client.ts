import { ttrpc } from "../../../proto/gen/shim.js";
import { ContainerError, explain } from "../../errors.ts";
import { CODE, fromStatus } from "../status.ts";
import { type Receiver, SocketTransport, type Transport } from "../transport.ts";
import { encodeFrame, FRAME, type Frame, FrameReader, MAX_DATA_BYTES } from "./frame.ts";

/** One call. */
export interface Call {
  readonly service: string;
  readonly method: string;
  readonly payload: Uint8Array;
  /** The other side is told of it, and this side does not wait longer. */
  readonly timeoutMs?: number;
  readonly metadata?: Readonly<Record<string, string>>;
}

const NANOSECONDS_PER_MILLISECOND = 1e6;

interface Waiting {
  readonly resolve: (payload: Uint8Array) => void;
  readonly reject: (error: ContainerError) => void;
}

/** The client's side of one connection. */
export class ClientConnection implements Receiver {
  readonly #transport: Transport;
  readonly #reader = new FrameReader();
  readonly #waiting = new Map<number, Waiting>();
  #nextStreamId = 1;
  #isClosed = false;
  readonly #ended = Promise.withResolvers<void>();

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** Settles when the connection has ended, from whichever side. */
  get ended(): Promise<void> {
    return this.#ended.promise;
  }

  /** Makes a call and gives its answer. @throws {ContainerError} the server's, unavailable, or deadline_exceeded */
  call({ service, method, payload, timeoutMs, metadata = {} }: Call): Promise<Uint8Array> {
    if (this.#isClosed) return Promise.reject(unavailable());
    const streamId = this.#nextStreamId;
    this.#nextStreamId += 2;
    const data = ttrpc.Request.encode({
      service,
      method,
      payload,
      timeoutNano: timeoutMs === undefined ? 0 : timeoutMs * NANOSECONDS_PER_MILLISECOND,
      metadata: Object.entries(metadata).map(([key, value]) => ({ key, value })),
    }).finish();
    if (data.length > MAX_DATA_BYTES) {
      return Promise.reject(new ContainerError("resource_exhausted", `${method}: the request is too long`));
    }
    return new Promise((resolve, reject) => {
      const timer =
        timeoutMs === undefined
          ? undefined
          : setTimeout(() => {
              this.#waiting.delete(streamId);
              reject(new ContainerError("deadline_exceeded", `${method} was not answered within ${timeoutMs} ms`));
            }, timeoutMs);
      this.#waiting.set(streamId, {
        resolve: (answer) => {
          clearTimeout(timer);
          resolve(answer);
        },
        reject: (error) => {
          clearTimeout(timer);
          reject(error);
        },
      });
      this.#transport.write(encodeFrame(streamId, FRAME.request, 0, data));
    });
  }

  receive(chunk: Uint8Array): void {
    try {
      for (const frame of this.#reader.push(chunk)) this.#handle(frame);
    } catch {
      this.close();
    }
  }

  closed(): void {
    this.#isClosed = true;
    for (const { reject } of this.#waiting.values()) reject(unavailable());
    this.#waiting.clear();
    this.#ended.resolve();
  }

  close(): void {
    this.closed();
    this.#transport.close();
  }

  #handle({ streamId, type, data }: Frame): void {
    const waiting = this.#waiting.get(streamId);
    // An answer that came too late has nobody who waits for it.
    if (type !== FRAME.response || waiting === undefined) return;
    this.#waiting.delete(streamId);
    if (data === undefined) {
      waiting.reject(new ContainerError("resource_exhausted", "the answer is too long"));
      return;
    }
    try {
      const { status, payload } = ttrpc.Response.decode(data);
      if (status === null || status.code === CODE.ok) waiting.resolve(payload);
      else waiting.reject(fromStatus(status));
    } catch (error) {
      waiting.reject(new ContainerError("internal", `cannot decode the answer: ${explain(error)}`));
    }
  }
}

function unavailable(): ContainerError {
  return new ContainerError("unavailable", "the connection is closed");
}

interface Peer {
  transport: SocketTransport;
  connection: ClientConnection;
}

/** Connects to the unix socket at a path; one that begins with NUL is abstract. @throws {ContainerError} unavailable */
export async function connect(path: string): Promise<ClientConnection> {
  try {
    const socket = await Bun.connect<Peer | undefined>({
      unix: path,
      socket: {
        open(opened) {
          const transport = new SocketTransport(opened);
          opened.data = { transport, connection: new ClientConnection(transport) };
        },
        data: (opened, chunk) => opened.data?.connection.receive(chunk),
        drain: (opened) => opened.data?.transport.flush(),
        close: (opened) => opened.data?.connection.closed(),
        error: (opened) => opened.data?.connection.close(),
        connectError: () => undefined,
      },
      data: undefined,
    });
    const connection = socket.data?.connection;
    if (connection !== undefined) return connection;
  } catch (error) {
    throw cannotConnect(path, error);
  }
  throw cannotConnect(path, undefined);
}

function cannotConnect(path: string, cause: unknown): ContainerError {
  return new ContainerError("unavailable", `cannot connect to ${path}`, { cause });
}
