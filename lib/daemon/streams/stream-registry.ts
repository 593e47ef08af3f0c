import { ContainerError } from "../../errors.ts";
import { alreadyExists, notFound } from "../names.ts";
import type { ClientStream } from "./client-stream.ts";

const MAX_ID_CHARS = 1024;
/** Of all clients together. */
const MAX_STREAMS = 4096;

/** streaming.proto: the streams that are open, by their ids, which belong to a namespace. */
export class StreamRegistry {
  readonly #streams = new Map<string, ClientStream>();

  /** Makes a stream known until it is disposed of. @throws {ContainerError} already_exists, invalid_argument */
  register(namespace: string, id: string, stream: ClientStream): Disposable {
    if (id === "" || id.length > MAX_ID_CHARS) {
      throw new ContainerError("invalid_argument", `invalid stream: an id has 1 to ${MAX_ID_CHARS} characters`);
    }
    const key = keyOf(namespace, id);
    if (this.#streams.has(key)) throw alreadyExists(`stream "${id}"`);
    if (this.#streams.size >= MAX_STREAMS) throw new ContainerError("resource_exhausted", "too many streams are open");
    this.#streams.set(key, stream);
    return { [Symbol.dispose]: () => void this.#streams.delete(key) };
  }

  /** @throws {ContainerError} not_found */
  get(namespace: string, id: string): ClientStream {
    const stream = this.#streams.get(keyOf(namespace, id));
    if (stream === undefined) throw notFound(`stream "${id}"`);
    return stream;
  }
}

/** Namespaces have no slash. */
function keyOf(namespace: string, id: string): string {
  return `${namespace}/${id}`;
}
