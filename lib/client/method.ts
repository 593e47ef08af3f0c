import type { Codec } from "../../proto/gen/types.d.ts";

/** A method of a service: one request, and one response or a stream of them, or streams both ways. */
export interface ClientMethod<Kind extends string, Q, A> {
  readonly kind: Kind;
  readonly path: string;
  readonly request: Codec<Q>;
  readonly response: Codec<A>;
}

export type UnaryMethod<Q, A> = ClientMethod<"unary", Q, A>;
export type StreamMethod<Q, A> = ClientMethod<"stream", Q, A>;
export type DuplexMethod<Q, A> = ClientMethod<"duplex", Q, A>;

/** Makes the methods of a service, `containerd.services.NAME`. */
export class ServiceMethods {
  readonly #service: string;

  constructor(service: string) {
    this.#service = service;
  }

  unary<Q, A>(name: string, request: Codec<Q>, response: Codec<A>): UnaryMethod<Q, A> {
    return { kind: "unary", path: this.#path(name), request, response };
  }

  stream<Q, A>(name: string, request: Codec<Q>, response: Codec<A>): StreamMethod<Q, A> {
    return { kind: "stream", path: this.#path(name), request, response };
  }

  duplex<Q, A>(name: string, request: Codec<Q>, response: Codec<A>): DuplexMethod<Q, A> {
    return { kind: "duplex", path: this.#path(name), request, response };
  }

  #path(name: string): string {
    return `/containerd.services.${this.#service}/${name}`;
  }
}
