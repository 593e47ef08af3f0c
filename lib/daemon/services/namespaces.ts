import { containerd, google } from "../../../proto/gen/daemon.js";
import { type GrpcService, unary } from "../../rpc/grpc/method.ts";
import { fromMap, required, toLabels, toMask } from "../messages.ts";
import type { Namespace } from "../metadata/namespaces.ts";
import { checkIdentifier } from "../names.ts";
import type { StoreParts } from "./parts.ts";

const messages = containerd.services.namespaces.v1;
const payloads = containerd.events;

/** services/namespaces/v1/namespace.proto */
export function namespacesService({ store, events }: StoreParts): GrpcService {
  const { namespaces } = store;
  return {
    name: "containerd.services.namespaces.v1.Namespaces",
    methods: [
      // dockerd asks for the labels of a namespace before anything has made it.
      unary("Get", [messages.GetNamespaceRequest, messages.GetNamespaceResponse], ({ name }) => {
        checkIdentifier("namespace", name);
        return { namespace: toMessage({ name, labels: namespaces.labelsOf(name) }) };
      }),
      unary("List", [messages.ListNamespacesRequest, messages.ListNamespacesResponse], () => ({
        namespaces: namespaces.list().map(toMessage),
      })),
      unary("Create", [messages.CreateNamespaceRequest, messages.CreateNamespaceResponse], ({ namespace }, context) => {
        const { name, labels } = required(namespace, "namespace");
        const made = toMessage(namespaces.create({ name, labels: toLabels(labels) }));
        // It is told in the namespace of the one who asked.
        const teller = context.header("containerd-namespace") || name;
        events.tell(teller, "/namespaces/create", "containerd.events.NamespaceCreate", payloads.NamespaceCreate, made);
        return { namespace: made };
      }),
      unary("Update", [messages.UpdateNamespaceRequest, messages.UpdateNamespaceResponse], (request) => {
        const { name, labels } = required(request.namespace, "namespace");
        const mask = toMask(request.updateMask);
        const updated = toMessage(namespaces.update({ name, labels: toLabels(labels) }, mask));
        events.tell(name, "/namespaces/update", "containerd.events.NamespaceUpdate", payloads.NamespaceUpdate, updated);
        return { namespace: updated };
      }),
      unary("Delete", [messages.DeleteNamespaceRequest, google.protobuf.Empty], ({ name }) => {
        namespaces.delete(name);
        events.tell(name, "/namespaces/delete", "containerd.events.NamespaceDelete", payloads.NamespaceDelete, {
          name,
        });
        return {};
      }),
    ],
  };
}

function toMessage({ name, labels }: Namespace) {
  return { name, labels: fromMap(labels) };
}
