import type { Codec, Input } from "../../../proto/gen/types.d.ts";
import { ContainerError } from "../../errors.ts";
import type { Clock } from "../clock.ts";
import { compileFilters, type Field, scalar } from "../filter/match.ts";
import { checkIdentifier } from "../names.ts";
import { payloadField } from "./payload-field.ts";

/** types/event.proto: something that happened. */
export interface Envelope {
  readonly timeNs: bigint;
  readonly namespace: string;
  /** E.g. `/tasks/exit`. */
  readonly topic: string;
  readonly event: { readonly typeUrl: string; readonly value: Uint8Array };
}

/** Of one that reads slowly; then it is told that it has missed something, and ends. */
const MAX_QUEUED = 65_536;

interface Subscriber {
  take(envelope: Envelope): void;
  /** Nothing more comes. */
  end(): void;
}

/** Brings events to those who have asked for them, to each in the order in which they came. */
export class EventBus {
  readonly #clock: Clock;
  readonly #subscribers = new Set<Subscriber>();
  /** What has come while somebody may be on the way back. */
  #kept: Envelope[] | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Tells of something the daemon has done itself. */
  tell<T>(namespace: string, topic: string, typeUrl: string, codec: Codec<T>, payload: Input<T>): void {
    this.#spread({
      timeNs: this.#clock(),
      namespace,
      topic,
      event: { typeUrl, value: codec.encode(payload).finish() },
    });
  }

  /** Tells of what a client has to say, now. @throws {ContainerError} invalid_argument */
  publish(namespace: string, topic: string, event: Envelope["event"]): void {
    checkTopic(topic);
    this.#spread({ timeNs: this.#clock(), namespace, topic, event });
  }

  /** Passes on an event of somebody else's, with its time. @throws {ContainerError} invalid_argument */
  forward(envelope: Envelope): void {
    checkIdentifier("namespace", envelope.namespace);
    checkTopic(envelope.topic);
    this.#spread(envelope);
  }

  /**
   * From here on who subscribes is told what has come, too, until the function is called that this gives: a client of a daemon
   * that was killed takes some time to come back, and asks nobody what it has missed.
   */
  keep(): () => void {
    const kept: Envelope[] = [];
    this.#kept = kept;
    return () => {
      if (this.#kept === kept) this.#kept = undefined;
    };
  }

  /** Calls `listener` with each event, at once. Returns what ends that. */
  listen(listener: (envelope: Envelope) => void): () => void {
    const subscriber = { take: listener, end: () => undefined };
    this.#subscribers.add(subscriber);
    return () => this.#subscribers.delete(subscriber);
  }

  /**
   * The events that match, from now on until the signal. Several filters are alternatives.
   * @throws {ContainerError} invalid_argument; resource_exhausted for who is too slow
   */
  subscribe(filters: readonly string[], signal: AbortSignal): AsyncIterable<Envelope> {
    const matches = compileFilters(filters, fieldOf);
    const queue: Envelope[] = (this.#kept ?? []).filter(matches);
    let fault: ContainerError | undefined;
    let wake: (() => void) | undefined;
    const subscriber = {
      take(envelope: Envelope): void {
        if (!matches(envelope)) return;
        if (queue.length < MAX_QUEUED) queue.push(envelope);
        else fault = new ContainerError("resource_exhausted", "events were lost: they are read too slowly");
        wake?.();
      },
      end(): void {
        fault ??= new ContainerError("unavailable", "the daemon ends");
        wake?.();
      },
    };
    // From here on, not from the first reading on: what comes in between must not be lost.
    this.#subscribers.add(subscriber);
    const end = () => {
      this.#subscribers.delete(subscriber);
      wake?.();
    };
    signal.addEventListener("abort", end, { once: true });
    if (signal.aborted) end();
    async function* read(): AsyncGenerator<Envelope> {
      try {
        while (!signal.aborted) {
          const envelope = queue.shift();
          if (envelope !== undefined) yield envelope;
          else if (fault !== undefined) throw fault;
          else {
            await new Promise<void>((resolve) => {
              wake = resolve;
            });
          }
        }
      } finally {
        end();
      }
    }
    return read();
  }

  /** Ends all subscriptions. */
  close(): void {
    for (const subscriber of this.#subscribers) subscriber.end();
  }

  #spread(envelope: Envelope): void {
    if (this.#kept !== undefined && this.#kept.length < MAX_QUEUED) this.#kept.push(envelope);
    for (const subscriber of this.#subscribers) subscriber.take(envelope);
  }
}

function checkTopic(topic: string): void {
  const wrong = (why: string) => new ContainerError("invalid_argument", `invalid topic "${topic}": ${why}`);
  if (!topic.startsWith("/")) throw wrong("it must start with '/'");
  if (topic.length === 1) throw wrong("it must have at least one component");
  for (const component of topic.slice(1).split("/")) checkIdentifier("component of a topic", component);
}

function fieldOf(envelope: Envelope, path: readonly string[]): Field {
  switch (path[0]) {
    case "namespace":
      return scalar(envelope.namespace);
    case "topic":
      return scalar(envelope.topic);
    case "event":
      return payloadField(envelope.event, path.slice(1));
    default:
      return undefined;
  }
}
