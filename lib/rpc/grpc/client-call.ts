import { ContainerError } from "../../errors.ts";
import type { Header } from "../http2/hpack.ts";
import type { Http2Stream, StreamReceiver } from "../http2/stream.ts";
import { fromStatus } from "../status.ts";
import { MAX_MESSAGE_BYTES } from "./limits.ts";

/** PROTOCOL-HTTP2.md of gRPC, Length-Prefixed-Message: a byte that says compressed, and the length. */
const PREFIX_BYTES = 5;

/** The client's side of one call. */
export class ClientCall implements StreamReceiver {
  readonly #path: string;
  readonly #timeoutMs: number | undefined;
  #stream: Http2Stream | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** Complete, and not yet asked for. */
  readonly #messages: Uint8Array[] = [];
  #rest: Uint8Array[] = [];
  #restBytes = 0;
  /** Received, and not yet given back to the server's window: who does not read is sent no more. */
  #debt = 0;
  #headers: readonly Header[] = [];
  /** How it ended: null is well. */
  #end: ContainerError | null | undefined;
  #wake: (() => void) | undefined;

  constructor(path: string, timeoutMs: number | undefined) {
    this.#path = path;
    this.#timeoutMs = timeoutMs;
  }

  /** For the connection: where its messages go. */
  begin(stream: Http2Stream): void {
    this.#stream = stream;
    if (this.#timeoutMs === undefined) return;
    this.#timer = setTimeout(() => {
      stream.cancel();
      const why = `${this.#path} was not answered within ${this.#timeoutMs} ms`;
      this.#finish(new ContainerError("deadline_exceeded", why));
    }, this.#timeoutMs);
  }

  /** Settles when the message is on its way, or the call is over. */
  async send(message: Uint8Array): Promise<void> {
    const bytes = new Uint8Array(PREFIX_BYTES + message.length);
    new DataView(bytes.buffer).setUint32(1, message.length);
    bytes.set(message, PREFIX_BYTES);
    await this.#stream?.write(bytes, false);
  }

  /** No more requests will come. */
  end(): void {
    this.#stream?.end();
  }

  /** The server is told that nobody waits any more. */
  cancel(): void {
    this.#stream?.cancel();
    this.#finish(null);
  }

  /** The responses, until the end of the call. To stop asking cancels it. @throws {ContainerError} the server's, or unavailable */
  async *messages(): AsyncGenerator<Uint8Array> {
    try {
      for (;;) {
        const message = this.#messages.shift();
        if (message !== undefined) {
          this.#payDebt();
          yield message;
        } else if (this.#end !== undefined) {
          if (this.#end !== null) throw this.#end;
          return;
        } else {
          await new Promise<void>((resolve) => {
            this.#wake = resolve;
          });
        }
      }
    } finally {
      if (this.#end === undefined) this.cancel();
    }
  }

  headers(headers: readonly Header[], isLast: boolean): void {
    if (isLast) {
      this.#finish(this.#statusOf(headers));
      return;
    }
    this.#headers = headers;
    const type = headers.find(([name]) => name === "content-type")?.[1] ?? "";
    if (type.startsWith("application/grpc")) return;
    // The body is for people.
    this.#stream?.cancel();
    this.#finish(this.#statusOf([]));
  }

  data(bytes: Uint8Array, isLast: boolean): void {
    this.#rest.push(bytes);
    this.#restBytes += bytes.length;
    this.#debt += bytes.length;
    this.#cut();
    this.#payDebt();
    if (isLast) this.#finish(this.#statusOf([]));
  }

  failed(error: ContainerError): void {
    this.#finish(error);
  }

  /** What belongs to a message that is not complete is asked for at once: a message may be longer than the window. */
  #payDebt(): void {
    if (this.#messages.length > 0) return;
    this.#stream?.credit(this.#debt);
    this.#debt = 0;
  }

  /** Takes the complete messages off what has come. */
  #cut(): void {
    while (this.#restBytes >= PREFIX_BYTES) {
      // A message that is not complete is put together once, when its last byte is there.
      const length = lengthOf(this.#rest);
      if (length > MAX_MESSAGE_BYTES) {
        this.#stream?.cancel();
        this.#finish(new ContainerError("resource_exhausted", `${this.#path}: the answer has ${length} bytes`));
        return;
      }
      if (this.#restBytes < PREFIX_BYTES + length) break;
      const all = this.#rest.length === 1 && this.#rest[0] !== undefined ? this.#rest[0] : Buffer.concat(this.#rest);
      this.#messages.push(all.subarray(PREFIX_BYTES, PREFIX_BYTES + length));
      const rest = all.subarray(PREFIX_BYTES + length);
      this.#rest = rest.length === 0 ? [] : [rest];
      this.#restBytes = rest.length;
      this.#wake?.();
    }
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

  #finish(end: ContainerError | null): void {
    clearTimeout(this.#timer);
    this.#end ??= end;
    this.#wake?.();
  }
}

/** The length in a prefix that may lie in several pieces. */
function lengthOf(pieces: readonly Uint8Array[]): number {
  const [first = new Uint8Array(0)] = pieces;
  const prefix = first.length >= PREFIX_BYTES ? first : Buffer.concat(pieces.slice(0, PREFIX_BYTES));
  return new DataView(prefix.buffer, prefix.byteOffset).getUint32(1);
}

/** PROTOCOL-HTTP2.md of gRPC: bytes of UTF-8, some of them as %XX. */
function decodeMessage(text: string): string {
  const bytes = text.replaceAll(/%([0-9A-Fa-f]{2})/g, (_all, hex: string) => String.fromCharCode(Number(`0x${hex}`)));
  return new TextDecoder().decode(Buffer.from(bytes, "latin1"));
}
