import type { Codec, Input } from "../../proto/gen/types.d.ts";
import { ContainerError, explain } from "../errors.ts";
import { connectGrpc, type GrpcConnection } from "../rpc/grpc/client.ts";
import type { DuplexMethod, StreamMethod, UnaryMethod } from "./method.ts";

/** What every call of a client says. */
export interface Scope {
  readonly namespace: string;
  /** What is made by the calls is kept by this lease. */
  readonly lease?: string;
  /** A call that is to be answered at once and is not fails after this. */
  readonly timeoutMs?: number | undefined;
}

interface CallOptions {
  /** Undefined: it may take as long as it takes. */
  readonly timeoutMs?: number | undefined;
}

/** Requests of a call that takes a stream of them. */
export interface DuplexCall<Q, A> {
  /** Settles when the message is on its way, or the call is over. */
  readonly send: (request: Input<Q>) => Promise<void>;
  /** No more requests will come. */
  readonly end: () => void;
  readonly responses: AsyncGenerator<A>;
}

/** A connection that another may take the place of. */
interface Link {
  readonly address: string;
  connection: GrpcConnection;
}

/** Between two attempts to reach a daemon that has gone. */
const RETRY_MS = 100;

/** A client of containerd's API, with one connection. */
export class Client implements Disposable {
  readonly #link: Link;
  readonly #headers: Readonly<Record<string, string>>;
  readonly scope: Scope;

  private constructor(link: Link, scope: Scope) {
    this.#link = link;
    this.scope = scope;
    const { namespace, lease } = scope;
    this.#headers = {
      "containerd-namespace": namespace,
      ...(lease === undefined ? {} : { "containerd-lease": lease }),
    };
  }

  /** Connects to a daemon. @throws {ContainerError} unavailable, permission_denied */
  static async connect(address: string, scope: Scope): Promise<Client> {
    return new Client({ address, connection: await connectGrpc(address) }, scope);
  }

  /** The same connection with another scope. */
  with(scope: Partial<Scope>): Client {
    return new Client(this.#link, { ...this.scope, ...scope });
  }

  /** Connects anew to a daemon that has ended, waiting so long for the next one. @throws {ContainerError} unavailable */
  async reconnect(limitMs: number): Promise<void> {
    this.#link.connection.close();
    const deadline = performance.now() + limitMs;
    for (;;) {
      try {
        this.#link.connection = await connectGrpc(this.#link.address);
        return;
      } catch (error) {
        if (performance.now() > deadline) throw error;
        await Bun.sleep(RETRY_MS);
      }
    }
  }

  /** One request, one response. @throws {ContainerError} as the daemon says */
  async call<Q, A>(method: UnaryMethod<Q, A>, request: Input<Q>, options: CallOptions = this.scope): Promise<A> {
    const payload = method.request.encode(request).finish();
    return decode(method, await this.#link.connection.unary(method.path, payload, this.#options(options)));
  }

  /** The responses to one request; to stop asking ends the call. @throws {ContainerError} as the daemon says */
  async *stream<Q, A>(method: StreamMethod<Q, A>, request: Input<Q>, options: CallOptions = {}): AsyncGenerator<A> {
    const call = this.#link.connection.call(method.path, this.#options(options));
    void call.send(method.request.encode(request).finish());
    call.end();
    for await (const message of call.messages()) yield decode(method, message);
  }

  /** Begins a call with messages both ways. */
  duplex<Q, A>(method: DuplexMethod<Q, A>): DuplexCall<Q, A> {
    const call = this.#link.connection.call(method.path, this.#options({}));
    return {
      send: async (request) => await call.send(method.request.encode(request).finish()),
      end: () => call.end(),
      responses: decoded(method, call.messages()),
    };
  }

  close(): void {
    this.#link.connection.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #options({ timeoutMs }: CallOptions) {
    return { headers: this.#headers, timeoutMs };
  }
}

interface Answering<A> {
  readonly path: string;
  readonly response: Codec<A>;
}

async function* decoded<A>(method: Answering<A>, messages: AsyncIterable<Uint8Array>): AsyncGenerator<A> {
  for await (const message of messages) yield decode(method, message);
}

function decode<A>({ path, response }: Answering<A>, bytes: Uint8Array): A {
  try {
    return response.decode(bytes);
  } catch (error) {
    throw cannotDecode(path, explain(error));
  }
}

function cannotDecode(path: string, why: string): ContainerError {
  return new ContainerError("internal", `cannot decode the answer of ${path}: ${why}`);
}
