import { ContainerError } from "../../errors.ts";
import { MAX_MESSAGE_BYTES } from "./limits.ts";

/** PROTOCOL-HTTP2.md of gRPC, Length-Prefixed-Message: a byte that says compressed, and the length. */
const PREFIX_BYTES = 5;

/** A message as it goes over the wire. */
export function frameMessage(message: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(PREFIX_BYTES + message.length);
  new DataView(bytes.buffer).setUint32(1, message.length);
  bytes.set(message, PREFIX_BYTES);
  return bytes;
}

/** Cuts the data of a stream into messages. It holds one at most that is not complete. */
export class MessageReader {
  /** What has come of a message, with room for more. */
  #begun: Uint8Array = new Uint8Array(0);
  #length = 0;

  /** Takes what was received, and gives the messages that are complete now. @throws {ContainerError} */
  push(chunk: Uint8Array): readonly Uint8Array[] {
    const bytes = this.#length === 0 ? chunk : this.#append(chunk);
    const messages: Uint8Array[] = [];
    let at = 0;
    for (;;) {
      const end = at + lengthAt(bytes, at);
      if (end > bytes.length) break;
      messages.push(bytes.subarray(at + PREFIX_BYTES, end));
      at = end;
    }
    // What was given away is not written over.
    if (at > 0 || this.#length === 0) this.#begun = new Uint8Array(bytes.subarray(at));
    this.#length = bytes.length - at;
    return messages;
  }

  #append(chunk: Uint8Array): Uint8Array {
    const length = this.#length + chunk.length;
    if (length > this.#begun.length) {
      const larger = new Uint8Array(Math.max(length, 2 * this.#begun.length));
      larger.set(this.#begun.subarray(0, this.#length));
      this.#begun = larger;
    }
    this.#begun.set(chunk, this.#length);
    return this.#begun.subarray(0, length);
  }
}

/** How long the message is that begins there, with its prefix; endless for one whose prefix has not come. */
function lengthAt(bytes: Uint8Array, at: number): number {
  if (bytes.length - at < PREFIX_BYTES) return Number.POSITIVE_INFINITY;
  if (bytes[at] !== 0) throw new ContainerError("unimplemented", "compressed messages are not supported");
  const length = new DataView(bytes.buffer, bytes.byteOffset).getUint32(at + 1);
  if (length <= MAX_MESSAGE_BYTES) return PREFIX_BYTES + length;
  throw new ContainerError("resource_exhausted", `a message of ${length} bytes; the limit is ${MAX_MESSAGE_BYTES}`);
}
