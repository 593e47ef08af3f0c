import { containerd, google } from "../../../proto/gen/daemon.js";
import { ContainerError } from "../../errors.ts";
import { type GrpcService, type Method, unary } from "../../rpc/grpc/method.ts";
import { fromMap, required, toLabels, toMap, toTimestamp, toTyped } from "../messages.ts";
import type { NewSandbox, Sandbox } from "../metadata/sandboxes.ts";
import type { Store } from "../store.ts";
import { namespaceOf } from "./scope.ts";

const messages = containerd.services.sandbox.v1;
const { Empty } = google.protobuf;
type Message = containerd.types.Sandbox;

/** services/sandbox/v1/sandbox.proto: Store */
export function sandboxStoreService({ sandboxes }: Store): GrpcService {
  return {
    name: "containerd.services.sandbox.v1.Store",
    methods: [
      unary("Create", [messages.StoreCreateRequest, messages.StoreCreateResponse], ({ sandbox }, context) => ({
        sandbox: toMessage(sandboxes.create(namespaceOf(context), fromMessage(required(sandbox, "sandbox")))),
      })),
      unary("Update", [messages.StoreUpdateRequest, messages.StoreUpdateResponse], (request, context) => {
        const wanted = fromMessage(required(request.sandbox, "sandbox"));
        return { sandbox: toMessage(sandboxes.update(namespaceOf(context), wanted, request.fields)) };
      }),
      unary("Delete", [messages.StoreDeleteRequest, messages.StoreDeleteResponse], ({ sandboxId }, context) => {
        sandboxes.delete(namespaceOf(context), sandboxId);
        return {};
      }),
      unary("List", [messages.StoreListRequest, messages.StoreListResponse], ({ filters }, context) => ({
        list: sandboxes.list(namespaceOf(context), filters).map(toMessage),
      })),
      unary("Get", [messages.StoreGetRequest, messages.StoreGetResponse], ({ sandboxId }, context) => ({
        sandbox: toMessage(sandboxes.get(namespaceOf(context), sandboxId)),
      })),
    ],
  };
}

const CONTROLLER_METHODS = ["Create", "Start", "Platform", "Stop", "Wait", "Status", "Shutdown", "Metrics", "Update"];

/** services/sandbox/v1/sandbox.proto: Controller. No runtime here has sandboxes; clients that probe for it are told so. */
export function sandboxControllerService(): GrpcService {
  const refuse = (name: string): Method =>
    unary(name, [Empty, Empty], () => {
      throw new ContainerError("unimplemented", `there is no sandbox controller here: cannot serve ${name}`);
    });
  return { name: "containerd.services.sandbox.v1.Controller", methods: CONTROLLER_METHODS.map(refuse) };
}

function fromMessage({ sandboxId, runtime, spec, labels, extensions, sandboxer }: Message): NewSandbox {
  const options = runtime?.options ?? null;
  const typed = Object.entries(extensions).map(([name, any]) => [name, toTyped(any)] as const);
  return {
    id: sandboxId,
    runtime: { name: runtime?.name ?? "", options: options === null ? undefined : toTyped(options) },
    spec: spec === null ? undefined : toTyped(spec),
    labels: toLabels(labels),
    extensions: toMap(Object.fromEntries(typed)),
    sandboxer,
  };
}

function toMessage({ id, runtime, spec, labels, extensions, sandboxer, createdNs, updatedNs }: Sandbox) {
  return {
    sandboxId: id,
    runtime: { name: runtime.name, ...(runtime.options === undefined ? {} : { options: runtime.options }) },
    ...(spec === undefined ? {} : { spec }),
    labels: fromMap(labels),
    createdAt: toTimestamp(createdNs),
    updatedAt: toTimestamp(updatedNs),
    extensions: fromMap(extensions),
    sandboxer,
  };
}
