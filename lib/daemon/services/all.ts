import { healthService } from "../../rpc/grpc/health.ts";
import type { GrpcService } from "../../rpc/grpc/method.ts";
import { listPlugins } from "../plugins.ts";
import { StreamRegistry } from "../streams/stream-registry.ts";
import { askShim } from "../tasks/call-shim.ts";
import { findShim, type RuntimeSettings } from "../tasks/shim-command.ts";
import type { TaskManager } from "../tasks/task-manager.ts";
import type { RegistrySettings } from "../transfer/settings.ts";
import { containersService } from "./containers.ts";
import { contentService } from "./content.ts";
import { diffService } from "./diff.ts";
import { eventsService } from "./events.ts";
import { imagesService } from "./images.ts";
import { introspectionService } from "./introspection.ts";
import { leasesService } from "./leases.ts";
import { namespacesService } from "./namespaces.ts";
import type { StoreParts } from "./parts.ts";
import { sandboxControllerService, sandboxStoreService } from "./sandbox.ts";
import { snapshotsService } from "./snapshots.ts";
import { streamingService } from "./streaming.ts";
import { tasksService } from "./tasks.ts";
import { transferService } from "./transfer.ts";
import { type Build, versionService } from "./version.ts";

export interface ServiceParts extends StoreParts {
  readonly tasks: TaskManager;
  readonly build: Build;
  readonly uuid: string;
  readonly pidNamespace: number;
  readonly registry: RegistrySettings;
  readonly runtimes: RuntimeSettings;
  /** The store's directory. */
  readonly root: string;
}

/** All that is served on the gRPC socket. */
export function allServices(parts: ServiceParts): readonly GrpcService[] {
  const streams = new StreamRegistry();
  const services = [
    versionService(parts.build),
    namespacesService(parts),
    containersService(parts),
    contentService(parts),
    imagesService(parts),
    snapshotsService(parts),
    diffService(parts.store),
    leasesService(parts),
    tasksService(parts),
    eventsService(parts.events),
    streamingService(streams),
    transferService({ ...parts, streams }),
    sandboxStoreService(parts.store),
    sandboxControllerService(),
  ];
  // The service `containerd.services.images.v1.Images` is the plugin `images`.
  const plugins = listPlugins(parts.root, [...new Set(services.map(({ name }) => name.split(".")[2] ?? name))].sort());
  const describeRuntime = (runtime: string, options: Uint8Array) => askShim(findShim(parts.runtimes, runtime), options);
  const served = [...services, introspectionService({ ...parts, plugins, describeRuntime })];
  return [...served, healthService(served)];
}
