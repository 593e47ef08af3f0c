import { containerd, google } from "../../../proto/gen/daemon.js";
import { ContainerError } from "../../errors.ts";
import { type GrpcService, unary } from "../../rpc/grpc/method.ts";
import { findPlugins, type Plugin } from "../plugins.ts";

const messages = containerd.services.introspection.v1;

export interface IntrospectionParts {
  /** Made once for a root directory. */
  readonly uuid: string;
  /** The inode of this process's pid namespace. */
  readonly pidNamespace: number;
  readonly plugins: readonly Plugin[];
}

/** services/introspection/v1/introspection.proto */
export function introspectionService({ uuid, pidNamespace, plugins }: IntrospectionParts): GrpcService {
  return {
    name: "containerd.services.introspection.v1.Introspection",
    methods: [
      unary("Server", [google.protobuf.Empty, messages.ServerResponse], () => ({
        ...{ uuid, pid: process.pid, pidns: pidNamespace },
      })),
      unary("Plugins", [messages.PluginsRequest, messages.PluginsResponse], ({ filters }) => ({
        plugins: findPlugins(plugins, filters).map(toMessage),
      })),
      unary("PluginInfo", [messages.PluginInfoRequest, messages.PluginInfoResponse], ({ type, id }) => {
        const plugin = plugins.find((each) => each.type === type && each.id === id);
        if (plugin === undefined) throw new ContainerError("not_found", `plugin ${type}.${id}: not found`);
        return { plugin: toMessage(plugin) };
      }),
    ],
  };
}

function toMessage({ type, id, platforms, exports, capabilities }: Plugin) {
  return { type, id, platforms, exports, capabilities };
}
