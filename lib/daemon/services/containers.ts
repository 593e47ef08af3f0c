import { containerd, google } from "../../../proto/gen/daemon.js";
import type { Input } from "../../../proto/gen/types.d.ts";
import { type CallContext, type GrpcService, serverStream, unary } from "../../rpc/grpc/method.ts";
import { fromMap, required, toLabels, toMap, toMask, toTimestamp, toTyped } from "../messages.ts";
import type { Container, NewContainer } from "../metadata/containers.ts";
import type { StoreParts } from "./parts.ts";
import { namespaceOf } from "./scope.ts";

const messages = containerd.services.containers.v1;
const payloads = containerd.events;
type Message = containerd.services.containers.v1.Container;

/** services/containers/v1/containers.proto */
export function containersService({ store, events, collectGarbage }: StoreParts): GrpcService {
  const { containers } = store;
  const walk = (filters: readonly string[], context: CallContext) => containers.walk(namespaceOf(context), filters);
  return {
    name: "containerd.services.containers.v1.Containers",
    methods: [
      unary("Get", [messages.GetContainerRequest, messages.GetContainerResponse], ({ id }, context) => ({
        container: toMessage(containers.get(namespaceOf(context), id)),
      })),
      unary("List", [messages.ListContainersRequest, messages.ListContainersResponse], ({ filters }, context) => ({
        containers: [...walk(filters, context)].map(toMessage),
      })),
      serverStream(
        "ListStream",
        [messages.ListContainersRequest, messages.ListContainerMessage],
        function* ({ filters }, context) {
          for (const container of walk(filters, context)) yield { container: toMessage(container) };
        },
      ),
      unary("Create", [messages.CreateContainerRequest, messages.CreateContainerResponse], (request, context) => {
        const namespace = namespaceOf(context);
        const container = toMessage(
          containers.create(namespace, fromMessage(required(request.container, "container"))),
        );
        events.tell(
          ...([namespace, "/containers/create", "containerd.events.ContainerCreate"] as const),
          ...([payloads.ContainerCreate, container] as const),
        );
        return { container };
      }),
      unary("Update", [messages.UpdateContainerRequest, messages.UpdateContainerResponse], (request, context) => {
        const namespace = namespaceOf(context);
        const wanted = fromMessage(required(request.container, "container"));
        const container = toMessage(containers.update(namespace, wanted, toMask(request.updateMask)));
        events.tell(
          ...([namespace, "/containers/update", "containerd.events.ContainerUpdate"] as const),
          ...([payloads.ContainerUpdate, container] as const),
        );
        return { container };
      }),
      unary("Delete", [messages.DeleteContainerRequest, google.protobuf.Empty], ({ id }, context) => {
        const namespace = namespaceOf(context);
        containers.delete(namespace, id);
        events.tell(
          ...([namespace, "/containers/delete", "containerd.events.ContainerDelete"] as const),
          ...([payloads.ContainerDelete, { id }] as const),
        );
        collectGarbage("some time");
        return {};
      }),
    ],
  };
}

function fromMessage(message: Message): NewContainer {
  const { id, image, snapshotter, snapshotKey, sandbox, runtime, spec } = message;
  const options = runtime?.options ?? null;
  return {
    ...{ id, image, snapshotter, snapshotKey, sandbox },
    runtime: { name: runtime?.name ?? "", ...(options === null ? {} : { options: toTyped(options) }) },
    spec: spec === null ? { typeUrl: "", value: new Uint8Array() } : toTyped(spec),
    labels: toLabels(message.labels),
    extensions: toMap(message.extensions),
  };
}

function toMessage(container: Container): Input<Message> & { readonly id: string } {
  const { id, image, runtime, spec, snapshotter, snapshotKey, sandbox, createdNs, updatedNs } = container;
  return {
    ...{ id, image, runtime, spec, snapshotter, snapshotKey, sandbox },
    labels: fromMap(container.labels),
    extensions: fromMap(container.extensions),
    createdAt: toTimestamp(createdNs),
    updatedAt: toTimestamp(updatedNs),
  };
}
