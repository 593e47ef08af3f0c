import type { ServerDuplexStream, ServerWritableStream } from "@grpc/grpc-js";

type Writable = ServerWritableStream<unknown, Uint8Array> | ServerDuplexStream<Uint8Array, Uint8Array>;

/** Sends a message, and waits until the other side has room for more, or has gone. */
export async function send(call: Writable, message: Uint8Array, signal: AbortSignal): Promise<void> {
  if (signal.aborted || call.write(message)) return;
  const { promise, resolve } = Promise.withResolvers<void>();
  call.once("drain", resolve);
  signal.addEventListener("abort", () => resolve(), { once: true });
  try {
    await promise;
  } finally {
    call.removeListener("drain", resolve);
  }
}

/** Received but not yet asked for; more are taken from the connection only when these are. */
const MAX_WAITING = 4;

/** What the other side sends, until it ends or goes away. */
export async function* received(
  call: ServerDuplexStream<Uint8Array, Uint8Array>,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  const waiting: Uint8Array[] = [];
  let ended = signal.aborted;
  let wake: (() => void) | undefined;
  const end = () => {
    ended = true;
    wake?.();
  };
  call.on("data", (message: Uint8Array) => {
    waiting.push(message);
    if (waiting.length >= MAX_WAITING) call.pause();
    wake?.();
  });
  call.once("end", end);
  call.once("error", end);
  signal.addEventListener("abort", end, { once: true });
  for (;;) {
    const message = waiting.shift();
    if (message !== undefined) {
      yield message;
      continue;
    }
    if (ended) return;
    call.resume();
    await new Promise<void>((resolve) => {
      wake = resolve;
    });
  }
}
