import type { Codec, Input } from "../../../proto/gen/types.d.ts";
import { ContainerError, explain } from "../../errors.ts";

/** What a method is told besides its request. */
export interface CallContext {
  /** Aborted when nobody waits for the answer any more: the deadline is over, or the caller went away. */
  readonly signal: AbortSignal;
  /** The first value of a header; undefined when there is none. */
  header(name: string): string | undefined;
}

/** A method as the server runs it: from bytes to bytes. */
export type Method =
  | { readonly name: string; readonly kind: "unary"; readonly run: UnaryBytes }
  | { readonly name: string; readonly kind: "serverStream"; readonly run: StreamBytes }
  | { readonly name: string; readonly kind: "duplex"; readonly run: DuplexBytes };

export type UnaryBytes = (payload: Uint8Array, context: CallContext) => Promise<Uint8Array>;
export type StreamBytes = (payload: Uint8Array, context: CallContext) => AsyncIterable<Uint8Array>;
export type DuplexBytes = (payloads: AsyncIterable<Uint8Array>, context: CallContext) => AsyncIterable<Uint8Array>;

/** A service: its full name and its methods. */
export interface GrpcService {
  readonly name: string;
  readonly methods: readonly Method[];
}

/** A method's messages: of the request and of the response. */
export type Messages<Q, A> = readonly [request: Codec<Q>, response: Codec<A>];

/** One request, one response. */
export function unary<Q, A>(
  name: string,
  [request, response]: Messages<Q, A>,
  run: (request: Q, context: CallContext) => Promise<Input<A>> | Input<A>,
): Method {
  return {
    name,
    kind: "unary",
    run: async (payload, context) => response.encode(await run(decode(request, name, payload), context)).finish(),
  };
}

/** One request, any number of responses. */
export function serverStream<Q, A>(
  name: string,
  [request, response]: Messages<Q, A>,
  run: (request: Q, context: CallContext) => AsyncIterable<Input<A>> | Iterable<Input<A>>,
): Method {
  return {
    name,
    kind: "serverStream",
    async *run(payload, context) {
      for await (const answer of run(decode(request, name, payload), context)) yield response.encode(answer).finish();
    },
  };
}

/** Requests and responses as they come. */
export function duplex<Q, A>(
  name: string,
  [request, response]: Messages<Q, A>,
  run: (requests: AsyncIterable<Q>, context: CallContext) => AsyncIterable<Input<A>>,
): Method {
  async function* decoded(payloads: AsyncIterable<Uint8Array>): AsyncGenerator<Q> {
    for await (const payload of payloads) yield decode(request, name, payload);
  }
  return {
    name,
    kind: "duplex",
    async *run(payloads, context) {
      for await (const answer of run(decoded(payloads), context)) yield response.encode(answer).finish();
    },
  };
}

function decode<Q>(codec: Codec<Q>, name: string, payload: Uint8Array): Q {
  try {
    return codec.decode(payload);
  } catch (error) {
    throw cannotDecode(name, explain(error));
  }
}

function cannotDecode(name: string, why: string): ContainerError {
  return new ContainerError("invalid_argument", `cannot decode the request of ${name}: ${why}`);
}
