import { containerd, google } from "../../../proto/gen/daemon.js";
import { ContainerError } from "../../errors.ts";
import { type GrpcService, unary } from "../../rpc/grpc/method.ts";
import { findPlugins, type Plugin, RUNTIMES } from "../plugins.ts";

const messages = containerd.services.introspection.v1;

export interface IntrospectionParts {
  /** Made once for a root directory. */
  readonly uuid: string;
  /** The inode of this process's pid namespace. */
  readonly pidNamespace: number;
  readonly plugins: readonly Plugin[];
  /** Says what the shim of a runtime says of itself with these options, an Any: a RuntimeInfo. */
  readonly describeRuntime: (runtime: string, options: Uint8Array) => Promise<Uint8Array>;
}

const { Any } = google.protobuf;
const { RuntimeRequest } = containerd.types;

/** services/introspection/v1/introspection.proto */
export function introspectionService(parts: IntrospectionParts): GrpcService {
  const { uuid, pidNamespace, plugins } = parts;
  return {
    name: "containerd.services.introspection.v1.Introspection",
    methods: [
      unary("Server", [google.protobuf.Empty, messages.ServerResponse], () => ({
        ...{ uuid, pid: process.pid, pidns: pidNamespace },
      })),
      unary("Plugins", [messages.PluginsRequest, messages.PluginsResponse], ({ filters }) => ({
        plugins: findPlugins(plugins, filters).map(toMessage),
      })),
      unary("PluginInfo", [messages.PluginInfoRequest, messages.PluginInfoResponse], async ({ type, id, options }) => {
        const plugin = plugins.find((each) => each.type === type && each.id === id);
        if (plugin === undefined) throw new ContainerError("not_found", `plugin ${type}.${id}: not found`);
        const extra = options === null ? null : await describe(parts, plugin, options);
        return { plugin: toMessage(plugin), extra };
      }),
    ],
  };
}

/** The runtimes are one plugin, which tells of any that it is asked for; the others have nothing to add. */
async function describe(
  { describeRuntime }: IntrospectionParts,
  { type }: Plugin,
  { typeUrl, value }: google.protobuf.Any,
) {
  if (type !== RUNTIMES) return null;
  if (typeUrl !== "containerd.types.RuntimeRequest") {
    throw new ContainerError("invalid_argument", `cannot ask a runtime by ${typeUrl}: must be a RuntimeRequest`);
  }
  const { runtimePath, options } = RuntimeRequest.decode(value);
  const given = options === null ? new Uint8Array() : Any.encode(options).finish();
  return { typeUrl: "containerd.types.RuntimeInfo", value: await describeRuntime(runtimePath, given) };
}

function toMessage({ type, id, platforms, exports, capabilities }: Plugin) {
  return { type, id, platforms, exports, capabilities };
}
