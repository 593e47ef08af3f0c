import { containerd } from "../../proto/gen/shim.js";
import { ContainerError, explain } from "../errors.ts";
import type { ClientConnection } from "../rpc/ttrpc/client.ts";
import { connect } from "../rpc/ttrpc/client.ts";
import { toTimestamp } from "./timestamp.ts";

/** Something that happened to a task. */
export interface TaskEvent {
  /** E.g. `/tasks/exit`. */
  readonly topic: string;
  /** Full name of the message, e.g. `containerd.events.TaskExit`. */
  readonly type: string;
  readonly value: Uint8Array;
}

/** What is kept for a containerd that is away; when there is more, the oldest is lost. */
const MAX_QUEUED = 8_192;
const FORWARD_TIMEOUT_MS = 5_000;
/** Pauses between attempts to reach containerd double from the first to the second. */
const MIN_RETRY_MS = 50;
const MAX_RETRY_MS = 1_000;
/** An event that containerd answers with an error is not offered more often than this. */
const MAX_REFUSALS = 3;

interface Queued {
  readonly request: Uint8Array;
  refusals: number;
}

/** Brings events to containerd, one after the other in their order, and keeps them while it is away. */
export class Publisher {
  readonly #address: string;
  readonly #namespace: string;
  readonly #warn: (message: string) => void;
  #queue: Queued[] = [];
  #connection: ClientConnection | undefined;
  #sending: Promise<void> | undefined;

  /** `address` is the path of containerd's ttrpc socket; with "" nobody is told anything. */
  constructor(address: string, namespace: string, warn: (message: string) => void) {
    this.#address = address;
    this.#namespace = namespace;
    this.#warn = warn;
  }

  publish({ topic, type, value }: TaskEvent): void {
    if (this.#address === "") return;
    const request = containerd.services.events.ttrpc.v1.ForwardRequest.encode({
      envelope: {
        timestamp: toTimestamp(Date.now()),
        namespace: this.#namespace,
        topic,
        event: { typeUrl: type, value },
      },
    }).finish();
    this.#queue.push({ request, refusals: 0 });
    if (this.#queue.length > MAX_QUEUED) {
      this.#queue.shift();
      this.#warn(`more than ${MAX_QUEUED} events wait for containerd: the oldest is lost`);
    }
    this.#sending ??= this.#sendAll();
  }

  /** Returns when all events are with containerd, or after `limitMs`. */
  async flush(limitMs: number): Promise<void> {
    const deadline = performance.now() + limitMs;
    while (this.#queue.length > 0 && performance.now() < deadline) {
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
  }

  async #sendAll(): Promise<void> {
    let pauseMs = MIN_RETRY_MS;
    for (let [first] = this.#queue; first !== undefined; [first] = this.#queue) {
      if (await this.#send(first)) {
        // The queue may have lost it meanwhile.
        if (this.#queue[0] === first) this.#queue.shift();
        pauseMs = MIN_RETRY_MS;
        continue;
      }
      await new Promise((resolve) => setTimeout(resolve, pauseMs));
      pauseMs = Math.min(2 * pauseMs, MAX_RETRY_MS);
    }
    this.#sending = undefined;
  }

  /** Whether the event is done with. */
  async #send(event: Queued): Promise<boolean> {
    try {
      if (this.#connection === undefined || this.#connection.isClosed) this.#connection = await connect(this.#address);
      await this.#connection.call({
        service: "containerd.services.events.ttrpc.v1.Events",
        method: "Forward",
        payload: event.request,
        timeoutMs: FORWARD_TIMEOUT_MS,
        metadata: { "containerd-namespace-ttrpc": this.#namespace },
      });
      return true;
    } catch (error) {
      if (error instanceof ContainerError && (error.code === "unavailable" || error.code === "deadline_exceeded")) {
        this.#connection?.close();
        this.#connection = undefined;
        return false;
      }
      event.refusals += 1;
      if (event.refusals < MAX_REFUSALS) return false;
      this.#warn(`containerd does not take an event: ${explain(error)}`);
      return true;
    }
  }
}
