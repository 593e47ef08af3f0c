import { containerd, google } from "../../../proto/gen/daemon.js";
import { type GrpcService, unary } from "../../rpc/grpc/method.ts";
import { fromMap, required, toLabels, toTimestamp } from "../messages.ts";
import type { Lease } from "../metadata/leases.ts";
import type { StoreParts } from "./parts.ts";
import { namespaceOf } from "./scope.ts";

const messages = containerd.services.leases.v1;
const { Empty } = google.protobuf;

/** services/leases/v1/leases.proto */
export function leasesService({ store, collectGarbage }: StoreParts): GrpcService {
  const { leases } = store;
  return {
    name: "containerd.services.leases.v1.Leases",
    methods: [
      unary("Create", [messages.CreateRequest, messages.CreateResponse], ({ id, labels }, context) => ({
        lease: toMessage(leases.create(namespaceOf(context), { id, labels: toLabels(labels) })),
      })),
      unary("Delete", [messages.DeleteRequest, Empty], ({ id, sync }, context) => {
        leases.delete(namespaceOf(context), id);
        collectGarbage(sync ? "now" : "some time");
        return {};
      }),
      unary("List", [messages.ListRequest, messages.ListResponse], ({ filters }, context) => ({
        leases: leases.list(namespaceOf(context), filters).map(toMessage),
      })),
      unary("AddResource", [messages.AddResourceRequest, Empty], ({ id, resource }, context) => {
        leases.addResource(namespaceOf(context), id, required(resource, "resource"));
        return {};
      }),
      unary("DeleteResource", [messages.DeleteResourceRequest, Empty], ({ id, resource }, context) => {
        leases.deleteResource(namespaceOf(context), id, required(resource, "resource"));
        return {};
      }),
      unary("ListResources", [messages.ListResourcesRequest, messages.ListResourcesResponse], ({ id }, context) => ({
        resources: leases.listResources(namespaceOf(context), id),
      })),
    ],
  };
}

function toMessage({ id, labels, createdNs }: Lease) {
  return { id, labels: fromMap(labels), createdAt: toTimestamp(createdNs) };
}
