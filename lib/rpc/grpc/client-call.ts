import { ContainerError } from "../../errors.ts";
import type { Header } from "../http2/hpack.ts";
import type { Http2Stream, StreamReceiver } from "../http2/stream.ts";
import { fromStatus } from "../status.ts";
import { Inbox } from "./inbox.ts";
import { frameMessage } from "./messages.ts";
import { decodeMessage } from "./status-message.ts";

/** The client's side of one call. */
export class ClientCall implements StreamReceiver {
  readonly #path: string;
  readonly #timeoutMs: number | undefined;
  readonly #inbox = new Inbox((bytes) => this.#stream?.credit(bytes));
  #stream: Http2Stream | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #headers: readonly Header[] = [];

  constructor(path: string, timeoutMs: number | undefined) {
    this.#path = path;
    this.#timeoutMs = timeoutMs;
  }

  /** For the connection: where its messages go. */
  begin(stream: Http2Stream): void {
    this.#stream = stream;
    if (this.#timeoutMs === undefined) return;
    this.#timer = setTimeout(() => {
      const why = `${this.#path} was not answered within ${this.#timeoutMs} ms`;
      this.#breakOff(new ContainerError("deadline_exceeded", why));
    }, this.#timeoutMs);
  }

  /** Settles when the message is on its way, or the call is over. */
  async send(message: Uint8Array): Promise<void> {
    await this.#stream?.write(frameMessage(message), false);
  }

  /** No more requests will come. */
  end(): void {
    this.#stream?.end();
  }

  /** The server is told that nobody waits any more. */
  cancel(): void {
    this.#breakOff(null);
  }

  /** The responses, until the end of the call. To stop asking cancels it. @throws {ContainerError} the server's, or unavailable */
  async *messages(): AsyncGenerator<Uint8Array> {
    try {
      yield* this.#inbox.messages();
    } finally {
      if (!this.#inbox.hasEnded) this.cancel();
    }
  }

  headers(headers: readonly Header[], isLast: boolean): void {
    if (isLast) {
      this.#finish(this.#statusOf(headers));
      return;
    }
    this.#headers = headers;
    const type = headers.find(([name]) => name === "content-type")?.[1] ?? "";
    // Else the body is for people.
    if (!type.startsWith("application/grpc")) this.#breakOff(this.#statusOf([]));
  }

  data(bytes: Uint8Array, isLast: boolean): void {
    try {
      this.#inbox.receive(bytes);
    } catch (error) {
      if (!(error instanceof ContainerError)) throw error;
      this.#breakOff(new ContainerError(error.code, `${this.#path}: ${error.message}`));
      return;
    }
    if (isLast) this.#finish(this.#statusOf([]));
  }

  failed(error: ContainerError): void {
    this.#finish(error);
  }

  #statusOf(trailers: readonly Header[]): ContainerError | null {
    const find = (wanted: string) => [...trailers, ...this.#headers].find(([name]) => name === wanted)?.[1];
    const status = find("grpc-status");
    if (status === "0") return null;
    if (status === undefined) {
      const http = find(":status") ?? "none";
      return new ContainerError("unavailable", `${this.#path}: the server is no gRPC server (HTTP status ${http})`);
    }
    return fromStatus({ code: Number(status), message: decodeMessage(find("grpc-message") ?? "") });
  }

  #breakOff(end: ContainerError | null): void {
    this.#stream?.cancel();
    this.#finish(end);
  }

  #finish(end: ContainerError | null): void {
    clearTimeout(this.#timer);
    this.#inbox.end(end);
  }
}
