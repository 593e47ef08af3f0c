import { ttrpc } from "../../../proto/gen/shim.js";
import { ContainerError, explain } from "../../errors.ts";
import { listen } from "../listen.ts";
import { toStatus } from "../status.ts";
import type { Receiver, Transport } from "../transport.ts";
import { encodeFrame, FLAG, FRAME, type Frame, FrameReader, MAX_DATA_BYTES } from "./frame.ts";

/** What a method is told besides its request. */
export interface CallContext {
  /** Aborted when nobody waits for the answer any more: the time is up or the connection closed. */
  readonly signal: AbortSignal;
  readonly metadata: ReadonlyMap<string, string>;
}

/** A method: bytes of the request to bytes of the response. */
export type Method = (payload: Uint8Array, context: CallContext) => Promise<Uint8Array>;

/** The methods by service and name. */
export type Services = ReadonlyMap<string, ReadonlyMap<string, Method>>;

/** Calls of one connection that are not answered yet; most of them are `Wait`s. */
const MAX_CALLS = 16_384;
const NANOSECONDS_PER_MILLISECOND = 1e6;
/** setTimeout() takes what is longer for 1 ms. */
const MAX_TIMEOUT_MS = 2 ** 31 - 1;

/** The server's side of one connection. Requests are handled side by side, and answered in the order in which they end. */
export class ServerConnection implements Receiver {
  readonly #transport: Transport;
  readonly #services: Services;
  readonly #reader = new FrameReader();
  readonly #calls = new Set<AbortController>();
  #lastStreamId = 0;
  #isClosed = false;

  constructor(transport: Transport, services: Services) {
    this.#transport = transport;
    this.#services = services;
  }

  receive(chunk: Uint8Array): void {
    if (this.#isClosed) return;
    try {
      for (const frame of this.#reader.push(chunk)) this.#handle(frame);
    } catch {
      // What comes after it cannot be understood.
      this.closed();
      this.#transport.close();
    }
  }

  closed(): void {
    this.#isClosed = true;
    for (const call of this.#calls) call.abort();
  }

  #handle({ streamId, type, flags, data }: Frame): void {
    // Data belongs to streams, which are refused when they are opened; a response answers nothing here.
    if (type !== FRAME.request) return;
    const refusal = this.#refuse(streamId, flags, data);
    if (refusal !== undefined || data === undefined) this.#answer(streamId, refusal);
    else this.#start(streamId, data);
  }

  #refuse(streamId: number, flags: number, data: Uint8Array | undefined): ContainerError | undefined {
    if (streamId % 2 !== 1) {
      return new ContainerError("invalid_argument", `stream id ${streamId} of a client must be odd`);
    }
    if (streamId <= this.#lastStreamId) {
      return new ContainerError("invalid_argument", `stream id ${streamId} was used before`);
    }
    this.#lastStreamId = streamId;
    if (data === undefined) {
      return new ContainerError("resource_exhausted", `message is longer than the limit of ${MAX_DATA_BYTES} bytes`);
    }
    if (Math.floor(flags / FLAG.remoteOpen) % 2 === 1) {
      return new ContainerError("unimplemented", "streams are not supported");
    }
    if (this.#calls.size >= MAX_CALLS) {
      return new ContainerError("resource_exhausted", `more than ${MAX_CALLS} calls wait for an answer`);
    }
    return undefined;
  }

  #start(streamId: number, data: Uint8Array): void {
    let request: ttrpc.Request;
    try {
      request = ttrpc.Request.decode(data);
    } catch (error) {
      this.#answer(streamId, new ContainerError("invalid_argument", `cannot decode the request: ${explain(error)}`));
      return;
    }
    const call = new AbortController();
    this.#calls.add(call);
    let isAnswered = false;
    const settle = (result: Uint8Array | unknown): void => {
      if (isAnswered) return;
      isAnswered = true;
      clearTimeout(timer);
      this.#calls.delete(call);
      this.#answer(streamId, result);
    };
    const timer = startTimer(Number(request.timeoutNano), () => {
      settle(new ContainerError("deadline_exceeded", `${request.method} did not end in time`));
      call.abort();
    });
    this.#run(request, call.signal).then(settle, settle);
  }

  async #run({ service, method, payload, metadata }: ttrpc.Request, signal: AbortSignal): Promise<Uint8Array> {
    const found = this.#services.get(service);
    if (found === undefined) throw new ContainerError("unimplemented", `service ${service}`);
    const run = found.get(method);
    if (run === undefined) throw new ContainerError("unimplemented", `method ${method}`);
    return await run(payload, { signal, metadata: new Map(metadata.map(({ key, value }) => [key, value])) });
  }

  /** Sends a result, or the status of an error. */
  #answer(streamId: number, result: Uint8Array | unknown): void {
    if (this.#isClosed) return;
    const isPayload = result instanceof Uint8Array;
    let data = ttrpc.Response.encode(isPayload ? { payload: result } : { status: toStatus(result) }).finish();
    if (data.length > MAX_DATA_BYTES) {
      const error = new ContainerError("resource_exhausted", `the answer is longer than ${MAX_DATA_BYTES} bytes`);
      data = ttrpc.Response.encode({ status: toStatus(error) }).finish();
    }
    this.#transport.write(encodeFrame(streamId, FRAME.response, 0, data));
  }
}

function startTimer(nanoseconds: number, onEnd: () => void): Timer | undefined {
  if (nanoseconds <= 0) return undefined;
  return setTimeout(onEnd, Math.min(Math.ceil(nanoseconds / NANOSECONDS_PER_MILLISECOND), MAX_TIMEOUT_MS));
}

/** A server that takes connections. */
export interface TtrpcServer {
  /** Takes no more connections; those there are stay. */
  stop(): void;
}

/**
 * Serves on a listening unix socket, which from here belongs to the server. `onConnections` is told how many connections
 * there are when that changes.
 */
export function serve(
  listener: number,
  services: Services,
  onConnections: (count: number) => void = () => undefined,
): TtrpcServer {
  let connections = 0;
  const count = (by: number) => {
    connections += by;
    onConnections(connections);
  };
  return listen(listener, {
    accept: (transport) => {
      count(1);
      return new ServerConnection(transport, services);
    },
    ended: () => count(-1),
  });
}
