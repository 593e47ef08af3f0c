/** What a connection writes to. */
export interface Transport {
  /** Takes the bytes, and sends them when the other side reads. */
  write(bytes: Uint8Array): void;
  /** What was taken, and has not been sent. */
  readonly queuedBytes: number;
  close(): void;
}

/** What a socket tells a connection. */
export interface Receiver {
  receive(chunk: Uint8Array): void;
  /** Nothing will come any more, and nothing can be sent. */
  closed(): void;
  /** The kernel has taken some of what the transport had. */
  drained?(): void;
}

/** Who does not read is not waited for with more than this: the connection is closed. */
const MAX_QUEUED_BYTES = 16 * 2 ** 20;

/** A socket of Bun with a queue for what the kernel does not take at once. */
export class SocketTransport implements Transport {
  readonly #socket: Bun.Socket<unknown>;
  #queue: Uint8Array[] = [];
  #queuedBytes = 0;

  constructor(socket: Bun.Socket<unknown>) {
    this.#socket = socket;
  }

  get queuedBytes(): number {
    return this.#queuedBytes;
  }

  write(bytes: Uint8Array): void {
    if (this.#queuedBytes + bytes.length > MAX_QUEUED_BYTES) {
      this.close();
      return;
    }
    this.#queue.push(bytes);
    this.#queuedBytes += bytes.length;
    if (this.#queue.length === 1) this.flush();
  }

  /** Sends what the kernel takes now; to be called again when the socket says `drain`. */
  flush(): void {
    for (;;) {
      const [first] = this.#queue;
      if (first === undefined) return;
      const written = this.#socket.write(first);
      if (written < 0) {
        this.close();
        return;
      }
      this.#queuedBytes -= written;
      if (written < first.length) {
        this.#queue[0] = first.subarray(written);
        return;
      }
      this.#queue.shift();
    }
  }

  close(): void {
    this.#queue = [];
    this.#queuedBytes = 0;
    this.#socket.terminate();
  }
}
