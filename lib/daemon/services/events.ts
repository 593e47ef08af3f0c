import { containerd, google } from "../../../proto/gen/daemon.js";
import { type GrpcService, serverStream, unary } from "../../rpc/grpc/method.ts";
import type { Services } from "../../rpc/ttrpc/server.ts";
import type { Envelope, EventBus } from "../events/event-bus.ts";
import { fromTimestamp, required, toTimestamp } from "../messages.ts";
import { namespaceOf } from "./scope.ts";

const messages = containerd.services.events.v1;
const { Envelope: EnvelopeMessage } = containerd.types;
const { Empty } = google.protobuf;

/** services/events/v1/events.proto */
export function eventsService(events: EventBus): GrpcService {
  return {
    name: "containerd.services.events.v1.Events",
    methods: [
      unary("Publish", [messages.PublishRequest, Empty], ({ topic, event }, context) => {
        events.publish(namespaceOf(context), topic, required(event, "event"));
        return {};
      }),
      unary("Forward", [messages.ForwardRequest, Empty], ({ envelope }) => {
        events.forward(toEnvelope(envelope));
        return {};
      }),
      serverStream(
        "Subscribe",
        [messages.SubscribeRequest, EnvelopeMessage],
        async function* ({ filters }, { signal }) {
          for await (const envelope of events.subscribe(filters, signal)) yield toMessage(envelope);
        },
      ),
    ],
  };
}

/** services/events/ttrpc/v1/events.proto: what shims bring. */
export function shimEventServices(events: EventBus): Services {
  const forward = (payload: Uint8Array) => {
    // Its message is that of the other service.
    events.forward(toEnvelope(messages.ForwardRequest.decode(payload).envelope));
    return Promise.resolve(new Uint8Array());
  };
  return new Map([["containerd.services.events.ttrpc.v1.Events", new Map([["Forward", forward]])]]);
}

function toEnvelope(message: containerd.types.Envelope | null): Envelope {
  const { timestamp, namespace, topic, event } = required(message, "envelope");
  const timeNs = fromTimestamp(required(timestamp, "timestamp"));
  return { timeNs, namespace, topic, event: required(event, "event") };
}

function toMessage({ timeNs, namespace, topic, event }: Envelope) {
  return { timestamp: toTimestamp(timeNs), namespace, topic, event };
}
