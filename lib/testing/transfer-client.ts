import { Client, type ClientDuplexStream, credentials, Metadata, type ServiceError } from "@grpc/grpc-js";
import { containerd, google } from "../../proto/gen/daemon.js";
import type { Codec, Input } from "../../proto/gen/types.d.ts";
import type { ContainerError } from "../errors.ts";
import { fromStatus } from "../rpc/status.ts";

const { Any, Empty } = google.protobuf;
type Any = google.protobuf.Any;
const { TransferRequest } = containerd.services.transfer.v1;
const { StreamInit } = containerd.services.streaming.v1;
const types = containerd.types.transfer;

/** A message of transfers with its type. */
export function typed<T>(name: string, codec: Codec<T>, fields: Input<T>): Any {
  return { typeUrl: `containerd.types.transfer.${name}`, value: codec.encode(fields).finish() };
}

/** The store's end of a transfer. */
export function imageStore(fields: Input<containerd.types.transfer.ImageStore>): Any {
  return typed("ImageStore", types.ImageStore, fields);
}

/** A registry's end of a transfer. */
export function registryEnd(reference: string, resolver: Input<containerd.types.transfer.RegistryResolver> = {}): Any {
  return typed("OCIRegistry", types.OCIRegistry, { reference, resolver });
}

/** For tests: a client of Transfer and Streaming, as containerd's is. */
export class TransferClient implements Disposable {
  readonly #client: Client;
  readonly #namespace: string;

  constructor(address: string, namespace = "default") {
    this.#client = new Client(`unix:${address}`, credentials.createInsecure(), { "grpc.use_local_subchannel_pool": 1 });
    this.#namespace = namespace;
  }

  /** Opens a stream that other calls can name. */
  async open(id: string): Promise<TransferStream> {
    const init = { typeUrl: "containerd.services.streaming.v1.StreamInit", value: StreamInit.encode({ id }).finish() };
    const stream = this.openRaw();
    stream.send(init);
    const acknowledgement = await stream.receive();
    if (acknowledgement === undefined) throw new Error("the stream has ended at once");
    return stream;
  }

  /** Opens a stream without a word. */
  openRaw(): TransferStream {
    const call: ClientDuplexStream<Any, Any> = this.#client.makeBidiStreamRequest(
      "/containerd.services.streaming.v1.Streaming/Stream",
      (message: Any) => Buffer.from(Any.encode(message).finish()),
      (bytes: Buffer) => Any.decode(bytes),
      this.#metadata(),
    );
    return new TransferStream(call);
  }

  /** Transfers. @throws {ContainerError} as the daemon has refused. `cancel` ends the call. */
  transfer(
    source: Any,
    destination: Any,
    { progress = "", signal }: { readonly progress?: string; readonly signal?: AbortSignal } = {},
  ): Promise<void> {
    const request = { source, destination, options: { progressStream: progress } };
    return new Promise((resolve, reject) => {
      const call = this.#client.makeUnaryRequest(
        "/containerd.services.transfer.v1.Transfer/Transfer",
        () => Buffer.from(TransferRequest.encode(request).finish()),
        (bytes: Buffer) => Empty.decode(bytes),
        request,
        this.#metadata(),
        { deadline: Date.now() + 60_000 },
        (error) => (error === null ? resolve() : reject(toError(error))),
      );
      signal?.addEventListener("abort", () => call.cancel(), { once: true });
    });
  }

  [Symbol.dispose](): void {
    this.#client.close();
  }

  #metadata(): Metadata {
    const metadata = new Metadata();
    metadata.set("containerd-namespace", this.#namespace);
    return metadata;
  }
}

/** For tests: the client's side of a stream. */
export class TransferStream {
  readonly #call: ClientDuplexStream<Any, Any>;
  readonly #messages: AsyncIterator<Any>;

  constructor(call: ClientDuplexStream<Any, Any>) {
    this.#call = call;
    this.#messages = call[Symbol.asyncIterator]();
  }

  send(message: Any): void {
    this.#call.write(message);
  }

  /** The next message; undefined at the end. @throws {ContainerError} */
  async receive(): Promise<Any | undefined> {
    try {
      const { done = false, value } = await this.#messages.next();
      return done ? undefined : value;
    } catch (error) {
      throw toError(error as ServiceError);
    }
  }

  /** All messages to the end. */
  async all(): Promise<readonly Any[]> {
    const messages: Any[] = [];
    for (let next = await this.receive(); next !== undefined; next = await this.receive()) messages.push(next);
    return messages;
  }

  end(): void {
    this.#call.end();
  }

  cancel(): void {
    this.#call.cancel();
  }
}

function toError(error: ServiceError): ContainerError {
  return fromStatus({ code: error.code, message: error.details });
}
