import {
  type Metadata,
  Server,
  ServerCredentials,
  type ServerDuplexStream,
  type ServerUnaryCall,
  type ServerWritableStream,
  type ServiceDefinition,
  type sendUnaryData,
  type UntypedServiceImplementation,
} from "@grpc/grpc-js";
import { toStatus } from "../status.ts";
import { received, send } from "./call-stream.ts";
import { MAX_MESSAGE_BYTES } from "./limits.ts";
import type { CallContext, DuplexBytes, GrpcService, Method, StreamBytes, UnaryBytes } from "./method.ts";

/**
 * Calls that a client may cancel at once, and then every second. The server of node counts more than 1,000 as an attack and
 * closes the connection, but who reads a blob in parts cancels a call for each of them: ctr does. Whoever may connect is root.
 */
const RESETS = { streamResetBurst: 2 ** 31 - 1, streamResetRate: 2 ** 31 - 1 };

/** A gRPC server for connections that somebody else has accepted. */
export class GrpcServer {
  readonly #server = new Server({
    "grpc.max_receive_message_length": MAX_MESSAGE_BYTES,
    "grpc.max_send_message_length": MAX_MESSAGE_BYTES,
  });
  readonly #injector: ReturnType<Server["createConnectionInjector"]>;

  constructor(services: readonly GrpcService[]) {
    for (const service of services) {
      const methods = service.methods.map((method) => [method.name, definitionOf(service.name, method)] as const);
      const handlers = service.methods.map((method) => [method.name, handlerOf(method)] as const);
      this.#server.addService(
        Object.fromEntries(methods),
        Object.fromEntries(handlers) as UntypedServiceImplementation,
      );
    }
    // grpc-js passes its own options to node:http2, and has no name for these.
    const options: unknown = Reflect.get(this.#server, "commonServerOptions");
    if (!(options instanceof Object)) throw new TypeError("internal error: grpc-js has no options for node:http2");
    Object.assign(options, RESETS);
    this.#injector = this.#server.createConnectionInjector(ServerCredentials.createInsecure());
  }

  /** Serves a connection, which from here belongs to the server. */
  accept(connection: Connection): void {
    this.#injector.injectConnection(connection);
  }

  /** Takes no new calls, lets those that run go on for some time, and closes all connections. */
  async close(graceMs: number): Promise<void> {
    this.#injector.drain(graceMs);
    const ended = Promise.withResolvers<void>();
    const timer = setTimeout(() => this.#server.forceShutdown(), graceMs);
    this.#server.tryShutdown(() => ended.resolve());
    await ended.promise;
    clearTimeout(timer);
  }
}

/** A stream of bytes in both directions. */
type Connection = Parameters<ReturnType<Server["createConnectionInjector"]>["injectConnection"]>[0];

/** grpc-js serialises and deserialises; here both are bytes already. */
const AS_IS = (bytes: Uint8Array): Buffer => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);

function definitionOf(service: string, { name, kind }: Method): ServiceDefinition[string] {
  return {
    path: `/${service}/${name}`,
    requestStream: kind === "duplex",
    responseStream: kind !== "unary",
    requestSerialize: AS_IS,
    requestDeserialize: (bytes) => bytes,
    responseSerialize: AS_IS,
    responseDeserialize: (bytes) => bytes,
  };
}

function handlerOf(method: Method): UntypedServiceImplementation[string] {
  switch (method.kind) {
    case "unary":
      return handleUnary(method.run);
    case "serverStream":
      return handleStream(method.run);
    case "duplex":
      return handleDuplex(method.run);
  }
}

function handleUnary(run: UnaryBytes) {
  return (call: ServerUnaryCall<Uint8Array, Uint8Array>, answer: sendUnaryData<Uint8Array>): void => {
    run(call.request, contextOf(call)).then(
      (response) => answer(null, response),
      (error: unknown) => answer(failureOf(error)),
    );
  };
}

function handleStream(run: StreamBytes) {
  return (call: ServerWritableStream<Uint8Array, Uint8Array>): void => {
    const context = contextOf(call);
    pump(call, () => run(call.request, context), context);
  };
}

function handleDuplex(run: DuplexBytes) {
  return (call: ServerDuplexStream<Uint8Array, Uint8Array>): void => {
    const context = contextOf(call);
    pump(call, () => run(received(call, context.signal), context), context);
  };
}

type Streaming = ServerWritableStream<Uint8Array, Uint8Array> | ServerDuplexStream<Uint8Array, Uint8Array>;

/** Sends what a method gives; it is told to stop by the end of the iteration when the other side is gone. */
function pump(call: Streaming, answers: () => AsyncIterable<Uint8Array>, { signal }: CallContext): void {
  const run = async () => {
    for await (const message of answers()) {
      await send(call, message, signal);
      if (signal.aborted) return;
    }
  };
  run().then(
    () => call.end(),
    (error: unknown) => call.emit("error", failureOf(error)),
  );
}

interface AnyCall {
  readonly metadata: Metadata;
  readonly cancelled: boolean;
  on(event: "cancelled", listener: () => void): unknown;
}

function contextOf(call: AnyCall): CallContext {
  const controller = new AbortController();
  if (call.cancelled) controller.abort();
  call.on("cancelled", () => controller.abort());
  return {
    signal: controller.signal,
    header: (name) => call.metadata.get(name)[0]?.toString(),
  };
}

/** What grpc-js sends as status. */
function failureOf(error: unknown): Error & { readonly code: number; readonly details: string } {
  const { code, message } = toStatus(error);
  return Object.assign(new Error(message), { code, details: message });
}
