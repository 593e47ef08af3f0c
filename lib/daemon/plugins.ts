import { platformOfMachine } from "../image/platforms.ts";
import { compileFilters, type Field } from "./filter/match.ts";

/** introspection.proto: a part of the daemon, by containerd's names for it. */
export interface Plugin {
  readonly type: string;
  readonly id: string;
  readonly platforms: readonly { readonly os: string; readonly architecture: string }[];
  readonly exports: Readonly<Record<string, string>>;
  readonly capabilities: readonly string[];
}

/** The type of the plugin that knows the runtimes. */
export const RUNTIMES = "io.containerd.runtime.v2";

/** What this daemon is made of. `services` are the last parts of their names but one, e.g. `images`. */
export function listPlugins(root: string, services: readonly string[]): readonly Plugin[] {
  const platforms = [platformOfMachine(process.arch)];
  const snapshotter = (id: string): Plugin => {
    const exports = { root: `${root}/snapshots/${id}` };
    return { type: "io.containerd.snapshotter.v1", id, platforms, exports, capabilities: [] };
  };
  const plain = (type: string, id: string): Plugin => ({ type, id, platforms: [], exports: {}, capabilities: [] });
  return [
    { ...plain("io.containerd.content.v1", "content"), exports: { root: `${root}/content` } },
    snapshotter("native"),
    snapshotter("overlayfs"),
    plain("io.containerd.metadata.v1", "sqlite"),
    { ...plain("io.containerd.differ.v1", "walking"), platforms },
    plain("io.containerd.gc.v1", "scheduler"),
    { ...plain(RUNTIMES, "task"), platforms },
    { ...plain("io.containerd.transfer.v1", "local"), platforms },
    plain("io.containerd.streaming.v1", "manager"),
    plain("io.containerd.sandbox.store.v1", "local"),
    ...services.map((id) => plain("io.containerd.grpc.v1", id)),
  ];
}

/** @throws {ContainerError} invalid_argument */
export function findPlugins(plugins: readonly Plugin[], filters: readonly string[]): readonly Plugin[] {
  return plugins.filter(compileFilters(filters, fieldOf));
}

function fieldOf(plugin: Plugin, path: readonly string[]): Field {
  switch (path[0]) {
    case "type":
      return plugin.type;
    case "id":
      return plugin.id;
    case "platforms":
      return plugin.platforms.map(({ os, architecture }) => `${os}/${architecture}`).join(",");
    case "capabilities":
      return plugin.capabilities.join(",");
    default:
      return undefined;
  }
}
