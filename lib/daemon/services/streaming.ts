import { containerd, google } from "../../../proto/gen/daemon.js";
import { ContainerError } from "../../errors.ts";
import { duplex, type GrpcService } from "../../rpc/grpc/method.ts";
import { toTyped } from "../messages.ts";
import type { TypedBytes } from "../metadata/typed-bytes.ts";
import { ClientStream } from "../streams/client-stream.ts";
import type { StreamRegistry } from "../streams/stream-registry.ts";
import { namespaceOf } from "./scope.ts";

const { Any } = google.protobuf;
const { StreamInit } = containerd.services.streaming.v1;
const STREAM_INIT = "containerd.services.streaming.v1.StreamInit";
/** Says that the id is known from now on. */
const ACKNOWLEDGEMENT = { typeUrl: "google.protobuf.Empty", value: new Uint8Array() };

/** services/streaming/v1/streaming.proto */
export function streamingService(streams: StreamRegistry): GrpcService {
  return {
    name: "containerd.services.streaming.v1.Streaming",
    methods: [
      duplex("Stream", [Any, Any], async function* (requests, context) {
        const namespace = namespaceOf(context);
        const incoming = messagesOf(requests);
        const { value: first } = await incoming.next();
        if (first === undefined) return;
        if (first.typeUrl !== STREAM_INIT) {
          throw new ContainerError(
            "invalid_argument",
            `a stream begins with ${STREAM_INIT}, not with ${first.typeUrl}`,
          );
        }
        const stream = new ClientStream(incoming, context.signal);
        using _ = streams.register(namespace, StreamInit.decode(first.value).id, stream);
        yield ACKNOWLEDGEMENT;
        yield* stream.outgoing();
      }),
    ],
  };
}

async function* messagesOf(requests: AsyncIterable<google.protobuf.Any>): AsyncGenerator<TypedBytes, undefined> {
  for await (const request of requests) yield toTyped(request);
}
