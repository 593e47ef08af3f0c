import { ContainerError } from "../../errors.ts";
import type { Header } from "../http2/hpack.ts";
import type { Http2Stream, StreamReceiver } from "../http2/stream.ts";
import { CODE, type Status, toStatus } from "../status.ts";
import { Inbox } from "./inbox.ts";
import { MAX_MESSAGE_BYTES } from "./limits.ts";
import { frameMessage } from "./messages.ts";
import type { CallContext, Method } from "./method.ts";
import { encodeMessage } from "./status-message.ts";
import { parseTimeout } from "./timeout.ts";

/** What a call needs of its server. */
export interface CallOwner {
  /** The method of a path, `/service/name`. */
  readonly find: (path: string) => Method | undefined;
  readonly began: (call: ServerCall) => void;
  readonly ended: (call: ServerCall) => void;
}

const CONTENT_TYPE = "application/grpc";
const ANSWER: readonly Header[] = [
  [":status", "200"],
  ["content-type", CONTENT_TYPE],
];

/** The server's side of one call (PROTOCOL-HTTP2.md of gRPC). */
export class ServerCall implements StreamReceiver {
  readonly #stream: Http2Stream;
  readonly #owner: CallOwner;
  readonly #inbox: Inbox;
  readonly #controller = new AbortController();
  #headers: ReadonlyMap<string, string> = new Map();
  #timer: Timer | undefined;
  #hasBegun = false;
  #hasAnswered = false;
  #isOver = false;

  constructor(stream: Http2Stream, owner: CallOwner) {
    this.#stream = stream;
    this.#owner = owner;
    this.#inbox = new Inbox((bytes) => stream.credit(bytes));
  }

  headers(headers: readonly Header[], isLast: boolean): void {
    if (this.#hasBegun) {
      // Trailers of a client say nothing but that it has sent all.
      if (isLast) this.#inbox.end(null);
      return;
    }
    this.#hasBegun = true;
    // Of a header that comes more than once the first is meant.
    this.#headers = new Map(headers.toReversed());
    const refusal = this.#refusal();
    if (refusal !== undefined) {
      this.#isOver = true;
      this.#stream.respond([[":status", refusal]], true);
      return;
    }
    this.#owner.began(this);
    if (isLast) this.#inbox.end(null);
    this.#begin();
  }

  data(bytes: Uint8Array, isLast: boolean): void {
    if (this.#isOver) return;
    try {
      this.#inbox.receive(bytes);
    } catch (error) {
      this.#giveUp(error);
      return;
    }
    if (isLast) this.#inbox.end(null);
  }

  failed(error: ContainerError): void {
    this.#close();
    this.#tell(error);
  }

  /** Ends a call whose method still runs. */
  #giveUp(error: unknown): void {
    this.#finish(error);
    this.#tell(error);
  }

  /** The method is told that nobody waits for it any more. */
  #tell(error: unknown): void {
    this.#controller.abort();
    this.#inbox.end(error instanceof ContainerError ? error : null);
  }

  /** The status of HTTP for what is no call; undefined for one. */
  #refusal(): string | undefined {
    if (this.#headers.get(":method") !== "POST") return "405";
    return this.#headers.get("content-type")?.startsWith(CONTENT_TYPE) === true ? undefined : "415";
  }

  #begin(): void {
    const path = this.#headers.get(":path") ?? "";
    const method = this.#owner.find(path);
    if (method === undefined) {
      this.#finish(new ContainerError("unimplemented", `there is no method ${path}`));
      return;
    }
    try {
      this.#startTimer(method.name);
    } catch (error) {
      this.#finish(error);
      return;
    }
    const signal = this.#controller.signal;
    const context: CallContext = { signal, header: (name) => this.#headers.get(name) };
    this.#run(method, context).then(
      () => this.#finish(undefined),
      (error: unknown) => this.#finish(error),
    );
  }

  #startTimer(name: string): void {
    const timeoutMs = parseTimeout(this.#headers.get("grpc-timeout"));
    if (timeoutMs === undefined) return;
    this.#timer = setTimeout(() => {
      this.#giveUp(new ContainerError("deadline_exceeded", `${name} did not end in time`));
    }, timeoutMs);
  }

  async #run(method: Method, context: CallContext): Promise<void> {
    const requests = this.#inbox.messages();
    if (method.kind === "duplex") {
      await this.#sendAll(method.run(endingQuietly(requests, context.signal), context));
      return;
    }
    const { value: request } = await requests.next();
    if (request === undefined) throw new ContainerError("invalid_argument", `${method.name} has no request`);
    if (method.kind === "unary") await this.#send(await method.run(request, context));
    else await this.#sendAll(method.run(request, context));
  }

  /** A method is told by the end of the iteration that nobody reads on. */
  async #sendAll(answers: AsyncIterable<Uint8Array>): Promise<void> {
    for await (const answer of answers) {
      if (this.#isOver) return;
      await this.#send(answer);
      if (this.#isOver) return;
    }
  }

  /** Settles when the message is on its way, or nobody wants it any more. */
  async #send(message: Uint8Array): Promise<void> {
    if (this.#isOver) return;
    if (message.length > MAX_MESSAGE_BYTES) {
      const why = `an answer of ${message.length} bytes; the limit is ${MAX_MESSAGE_BYTES}`;
      throw new ContainerError("resource_exhausted", why);
    }
    if (!this.#hasAnswered) this.#stream.respond(ANSWER, false);
    this.#hasAnswered = true;
    await this.#stream.write(frameMessage(message), false);
  }

  /** Ends the call with what went wrong; undefined for nothing. */
  #finish(error: unknown): void {
    if (this.#isOver) return;
    this.#close();
    const trailers = trailersOf(error === undefined ? { code: CODE.ok, message: "" } : toStatus(error));
    if (this.#hasAnswered) this.#stream.end(trailers);
    else this.#stream.respond([...ANSWER, ...trailers], true);
  }

  #close(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    clearTimeout(this.#timer);
    this.#owner.ended(this);
  }
}

function trailersOf({ code, message }: Status): readonly Header[] {
  const status: Header = ["grpc-status", String(code)];
  return message === "" ? [status] : [status, ["grpc-message", encodeMessage(message)]];
}

/** Requests of a client that may break off: the method is told of that by its signal. */
async function* endingQuietly(requests: AsyncIterable<Uint8Array>, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  try {
    yield* requests;
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}
