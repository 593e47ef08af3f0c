import { containerd } from "../../../proto/gen/daemon.js";
import { ContainerError } from "../../errors.ts";
import type { TypedBytes } from "../metadata/typed-bytes.ts";
import type { ClientStream } from "./client-stream.ts";

const { Data, WindowUpdate } = containerd.types.transfer;
const DATA = "containerd.types.transfer.Data";
const WINDOW_UPDATE = "containerd.types.transfer.WindowUpdate";

/** As much as containerd puts into one message, and lets another send without a word. */
const MAX_DATA_BYTES = 32_768;
const WINDOW_BYTES = 2 * MAX_DATA_BYTES;
const MAX_WINDOW_BYTES = 2 ** 31 - 1;

/** transfer/streaming.proto: the bytes that a client sends, as they are asked for. @throws {ContainerError} invalid_argument */
export async function* receiveBytes(stream: ClientStream): AsyncGenerator<Uint8Array> {
  let window = 0;
  for (;;) {
    if (window < WINDOW_BYTES) {
      window += WINDOW_BYTES;
      const value = WindowUpdate.encode({ update: WINDOW_BYTES }).finish();
      stream.offer({ typeUrl: WINDOW_UPDATE, value }, { mustCome: true });
    }
    const message = await stream.receive();
    if (message === undefined) return;
    const { data } = decode(message, DATA, Data);
    window -= data.length;
    yield data;
  }
}

/** Sends bytes to a client, as many as it asks for. @throws {ContainerError} aborted when it goes away */
export async function sendBytes(stream: ClientStream, chunks: AsyncIterable<Uint8Array>): Promise<void> {
  let window = 0;
  for await (const chunk of chunks) {
    for (let at = 0; at < chunk.length; ) {
      while (window === 0) window = Math.min(MAX_WINDOW_BYTES, await receiveWindow(stream));
      const data = chunk.subarray(at, at + Math.min(window, MAX_DATA_BYTES));
      await stream.send({ typeUrl: DATA, value: Data.encode({ data }).finish() });
      at += data.length;
      window -= data.length;
    }
  }
}

async function receiveWindow(stream: ClientStream): Promise<number> {
  const message = await stream.receive();
  if (message === undefined) throw new ContainerError("aborted", "the client has closed the stream before its end");
  const { update } = decode(message, WINDOW_UPDATE, WindowUpdate);
  if (update < 0) throw wrong("it takes back what it has granted");
  return update;
}

function decode<T>({ typeUrl, value }: TypedBytes, expected: string, codec: { decode(bytes: Uint8Array): T }): T {
  if (typeUrl !== expected) throw wrong(`it has ${typeUrl} where ${expected} is expected`);
  return codec.decode(value);
}

function wrong(why: string): ContainerError {
  return new ContainerError("invalid_argument", `cannot use the stream: ${why}`);
}
